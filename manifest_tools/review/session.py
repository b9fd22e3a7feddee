"""One reviewer's desk: what to look at next, what is asked, and the counts that move with every answer."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.content_types import masks_of_types
from manifest_tools.dataset.eligibility import unusable_content
from manifest_tools.dataset.ground_truth import PREDICTIONS, REVIEW, Mask
from manifest_tools.dataset.outcomes import MISTAKE, Outcome, targets_in_force
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.policy import Goal
from manifest_tools.review.assignment import to_settle
from manifest_tools.review.entries import GOLD_RATE, NO_REMARK, Remark, Said
from manifest_tools.review.found import findings_of, matching
from manifest_tools.review.gold import mixed_in
from manifest_tools.review.needless import enough, once_each
from manifest_tools.review.queue import OUTCOMES, Filter, Tier, in_order, tiers
from manifest_tools.review.state import ReviewState

SAFE = "Safe"
LONGEST_NOTE = 500  # characters
_COUNTED = {
    "tp": Outcome.TRUE_POSITIVE,
    "fp": Outcome.FALSE_POSITIVE,
    "fn": Outcome.FALSE_NEGATIVE,
    "tn": Outcome.TRUE_NEGATIVE,
}


class ReviewSession:
    """One reviewer's work on one output folder. Methods may be called from several threads.

    Parameters
    ----------
    folder : path
        An output folder; answers of earlier sessions are merged first.
    reviewer : str
        Whose answers these are.
    second_look : iterable of str
        As in :class:`ReviewState`.
    adjudicating : bool
        The reviewer settles what others differ in.
    gold_rate : float
        As in :func:`manifest_tools.review.gold.mixed_in`.
    """

    def __init__(
        self,
        folder: str | Path,
        reviewer: str,
        *,
        second_look: Iterable[str] = (),
        adjudicating: bool = False,
        gold_rate: float = GOLD_RATE,
    ) -> None:
        self.reviewer, self._gold_rate = reviewer, gold_rate
        self.state = state = ReviewState(folder, reviewer, second_look=second_look, adjudicating=adjudicating)
        self.assignment = state.assignment
        self.spared = np.zeros(len(state.keys), dtype=bool)  # images that the reviewer opted out of
        self._lot = np.random.default_rng(0).random(len(state.keys))
        # Which images' answers can change something, as of the last queue or progress: too slow for every picture.
        self.waiting: Mask = np.ones(len(state.keys), dtype=bool)
        self._lock = threading.RLock()
        names = state.policy.safe_names
        self.safe = SAFE if state.policy.is_safe(SAFE) else names[0]
        images = state.dataset.images
        unsound = np.logical_or.reduce(list(unusable_content(images, state.policy).values()))
        self._viewable = (images["decode_error"] == "").to_numpy()
        self._aside = images["set_aside"].ne("").to_numpy()
        self._tested = images["split"].eq("test").to_numpy()
        self._counted = ~unsound & ~self._aside & ~self._tested
        self._goals = targets_in_force(state.policy, state.taxonomy)
        targets = {target.label for target in self._goals}
        self._targets = np.array([label in targets for label in state.outcomes.labels])
        self._findings = findings_of(Path(folder), state)
        self._types = masks_of_types(images)

    def queue(self, wanted: Filter) -> list[int]:
        """Return the positions of the images to look at, the most useful first.

        Raises
        ------
        InputError
            The filter names a label, outcome, content type or finding that there is not.
        """
        with self._lock:
            self.state.refresh()
            outcomes, reviewed = self.state.outcomes, self.state.reviewed
            more = wanted.more or wanted.everything or wanted.narrowed
            tier = self._tiers(more=more)
            self.waiting = self.waiting if more else np.asarray(tier != Tier.DONE)
            masks = {"finding": self._findings, "content type": self._types}
            chosen = (
                matching(wanted, self.state, masks)
                & self._viewable
                & ~self.assignment.withheld
                & ~self.spared
                & ~(self.assignment.gold & self.assignment.finished)
            )
            if not wanted.everything:
                waiting = tier != Tier.DONE
                chosen &= (waiting | ~reviewed.any(axis=1)) if wanted.narrowed else waiting
            else:
                chosen &= ~self.assignment.finished
            open_score = np.where(outcomes.predicted_positive & ~reviewed, np.nan_to_num(outcomes.score), 0.0)
            doubted = (tier == Tier.SUSPECT)[:, None] & ~reviewed
            urgency = np.where(doubted, self.state.suspect, open_score).max(axis=1, initial=0.0)
            hidden = self.assignment.chosen
            urgency[hidden] = 100 * self._lot[hidden]  # the order would tell the score
            rows = mixed_in(in_order(tier, urgency, chosen).tolist(), self.state, self._gold_rate)
            return rows if wanted.apart or wanted.everything else self._once_each(rows)

    def _tiers(self, *, more: bool) -> npt.NDArray[np.int8]:
        """Return why each image waits; without `more`, those whose answer can change nothing do not."""
        state, chosen = self.state, self.assignment.chosen
        doubted = (state.suspect > 0) & ~state.reviewed
        tier = tiers(
            state.outcomes,
            state.reviewed,
            conflict=state.conflict,
            suspect=doubted & ~chosen[:, None],  # of the others the order would tell the score
            wanted=self._wanted(),
            differing=state.differing,
            needless=np.zeros_like(doubted) if more else self._needless(),
        )
        waits = doubted.any(axis=1)
        tier[waits] = np.minimum(tier[waits], Tier.CONFIRM)
        if not more:
            tier[self._aside & ~chosen] = Tier.DONE
        tier[self.assignment.due] = np.minimum(tier[self.assignment.due], Tier.CONFIRM)
        return tier

    def _needless(self) -> Mask:
        """Confirmations of what is known, of labels that have enough; on the test side targets are confirmed all the same."""
        state = self.state
        done = enough(state.outcomes, state.reviewed, self._counted, state.policy, self._goals)
        confirms = state.outcomes.truth.known & done & ~state.differing & ~self.assignment.chosen[:, None]
        return np.asarray(confirms & ~(self._tested[:, None] & self._targets))

    def _once_each(self, rows: Iterable[int]) -> list[int]:
        state, chosen = self.state, self.assignment.chosen

        def asked(row: int) -> Mask | None:
            open_ones = state.open_questions(row)
            apart = chosen[row] or (state.conflict[row] & open_ones).any()
            # What is asked of a picture without a question: what it shows.
            return None if apart else np.append(open_ones, not open_ones.any())

        return once_each(rows, state.groups, asked)

    def _held_back(self, asked: Iterable[int]) -> dict[str, int]:
        """Return how many images nobody is asked about, by why; `asked` are those of the queue."""
        shown = self._viewable & ~self.assignment.withheld
        held = shown & (self._tiers(more=True) != Tier.DONE) & (self._tiers(more=False) == Tier.DONE)
        apart = self.queue(Filter(apart=True))
        return {
            "enough": int((held & ~self._aside).sum()),
            "set_aside": int((held & self._aside).sum()),
            "alike": len(set(apart) - set(asked) - self.state.gold.keys()),
        }

    def _wanted(self) -> Mask:
        """The targets; without any, the labels that fall short of both minimums."""
        if self._targets.any():
            return self._targets
        minimum = self.state.policy.minimum
        short = [self._count(outcome) < minimum(goal) for goal, outcome in MISTAKE.items()]
        return np.asarray(np.logical_and.reduce(short))

    def _count(self, outcome: Outcome) -> Any:
        return self.state.outcomes.count(outcome, self._counted)

    def item(self, row: int, label: str = "") -> dict[str, Any]:
        """Return what the page shows of one image; `label` is asked about too, unless somebody reviewed it.

        Raises
        ------
        InputError
            There is no such image.
        """
        if not 0 <= row < len(self.state.keys):
            raise InputError(f"there is no image number {row}")
        with self._lock:
            said = self.state.labels_of(row)
            outcomes, reviewed = self.state.outcomes, self.state.reviewed[row]
            asked = self.state.open_questions(row)
            if label in outcomes.labels:
                column = outcomes.labels.index(label)
                asked[column] = not reviewed[column]
            columns = sorted((int(column) for column in np.flatnonzero(asked)), key=self._urgency(row))
            differing = self.assignment.differing(row)
            questions = [self._question(row, column, said) for column in columns]
            if self.assignment.adjudicating:
                questions = [
                    to_settle(label, truths, self.definition(label)) for label, truths in differing.items()
                ]
            people = said[said["source"] != PREDICTIONS]
            if self.assignment.adjudicating:  # what people say stands in the questions, without their names
                people = people[~people["source"].str.startswith(REVIEW)]
            return {
                "index": row,
                "name": self.state.keys[row],
                "split": str(self.state.dataset.images["split"].iloc[row]),
                "alike": len(self.state.alike(row)) - 1,
                "questions": questions,
                "known": [
                    {"label": name, "truth": None if pd.isna(truth) else bool(truth), "source": source}
                    for name, truth, source in zip(
                        people["label"], people["truth"], people["source"], strict=True
                    )
                ],
                "answered": bool(reviewed.any()),
                "remarks": self._remarks(row) if self.assignment.adjudicating else [],
            }

    def _remarks(self, row: int) -> list[str]:
        """Return the reasons and notes of those who differ, without their names and in no order of theirs."""
        remarks = (entry.remark for entry in self.state.standing() if row in self.state.rows_of(entry))
        return sorted({": ".join(filter(None, (remark.reason, remark.note))) for remark in remarks} - {""})

    def _urgency(self, row: int) -> Any:
        outcomes, wanted = self.state.outcomes, self._wanted()

        def key(column: int) -> tuple[float, bool, bool, float, int]:
            hidden = self.hides_score(row)
            score = 0.0 if hidden else float(np.nan_to_num(outcomes.score[row, column]))
            doubt = 0.0 if hidden else self.state.suspect[row, column]
            return -doubt, bool(outcomes.truth.known[row, column]), not wanted[column], -score, column

        return key

    def _question(self, row: int, column: int, said: pd.DataFrame) -> dict[str, Any]:
        outcomes = self.state.outcomes
        label, score = outcomes.labels[column], outcomes.score[row, column]
        below = said[
            (said["source"] == PREDICTIONS) & said["label"].isin(self.state.taxonomy.descendants(label))
        ]
        detail = sorted(
            zip(below["label"], below["score"], strict=True), key=lambda pair: (-pair[1], pair[0])
        )
        truths = (("present", outcomes.truth.present), ("absent", outcomes.truth.absent))
        known = next((word for word, mask in truths if mask[row, column]), "unknown")
        hidden = self.hides_score(row)
        return {
            "label": label,
            "score": None if hidden or np.isnan(score) else round(float(score), 1),
            "hidden": hidden,
            "said": bool(outcomes.predicted_positive[row, column]),
            "truth": known,
            "conflict": bool(self.state.conflict[row, column]),
            "differing": bool(self.state.differing[row, column]) and not hidden,
            "doubt": "" if hidden else self._doubt(row, column),
            "detail": [
                {"label": name, "score": round(float(value), 1)} for name, value in detail if not hidden
            ],
            "definition": self.definition(label),
        }

    def _doubt(self, row: int, column: int) -> str:
        """Return in words why what is given is probably wrong; empty where it is not doubted."""
        suspect = self.state.suspects.get((row, column))
        return finding("label-suspect", variant=suspect.variant, **suspect.told).message if suspect else ""

    def hides_score(self, row: int) -> bool:
        """Whether the base model's score is kept from everybody, so that two looks are alike and neither leans on it."""
        return bool(self.assignment.chosen[row]) or self.assignment.adjudicating

    def definition(self, label: str) -> str:
        """Return what a label means, by the policy and by Amazon, and where it stands in the taxonomy."""
        taxonomy = self.state.taxonomy
        above, below = " > ".join(reversed(taxonomy.ancestors(label))), ", ".join(taxonomy.children(label))
        stands = f"Part of {above}." if above else ""
        parts = f"Below it: {below}." if below else ""
        return " ".join(filter(None, (self.state.policy.definition(label, taxonomy), stands, parts)))

    def catalogue(self) -> dict[str, Any]:
        """Return what the page needs once: names, filters, who reviews."""
        outcomes = self.state.outcomes
        occurs = (outcomes.predicted_positive | outcomes.truth.present).any(axis=0) | self._targets
        taxonomy = self.state.taxonomy
        return {
            "reviewer": self.reviewer,
            "adjudicating": self.assignment.adjudicating,
            "reasons": self.state.policy.reasons,
            "longest_note": LONGEST_NOTE,
            "safe": self.safe,
            "images": len(self.state.keys),
            "taxonomy": [{"name": name, "definition": self.definition(name)} for name in taxonomy.names],
            "labels": [label for label, here in zip(outcomes.labels, occurs, strict=True) if here],
            "outcomes": list(OUTCOMES),
            "splits": sorted(set(self.state.dataset.images["split"]) - {""}),
            "content_types": {name: int(mask.sum()) for name, mask in self._types.items()},
            "findings": {code: int(mask.sum()) for code, mask in sorted(self._findings.items())},
        }

    def progress(self) -> dict[str, Any]:
        """Return the outcomes against the minimums over all images but the test set's, and how much is left."""
        with self._lock:
            self.state.look()
            asked = self.queue(Filter())
            counts = {name: self._count(value) for name, value in _COUNTED.items()}
            rows = []
            for column, label in enumerate(self.state.outcomes.labels):
                row = {name: int(values[column]) for name, values in counts.items()}
                if self._targets[column] or row["tp"] or row["fp"] or row["fn"]:
                    rows.append({"label": label, "target": bool(self._targets[column]), **row})
            mine = [entry for entry in self.state.standing() if entry.reviewer == self.reviewer]
            policy = self.state.policy
            return {
                "labels": sorted(rows, key=lambda row: not row["target"]),
                "need_fp": policy.minimum(Goal.FALSE_POSITIVES),
                "need_fn": policy.minimum(Goal.FALSE_NEGATIVES),
                "answered": len({seen.image for entry in mine for seen in entry.images}),
                "left": len(asked),
                "held_back": self._held_back(asked),
            }

    def answer(
        self,
        row: int,
        answers: Sequence[Said],
        *,
        together: bool = False,
        id: str = "",  # noqa: A002
        remark: Remark = NO_REMARK,
    ) -> int:
        """Record what the reviewer says of an image, and of its look-alikes with `together`.

        Returns
        -------
        int
            The number of the answer, to take it back by.

        Raises
        ------
        InputError
            There is no such image, label or reason code, the note is too long, or nothing is said; or it is not this
            reviewer's to adjudicate.
        OutputError
            The answer could not be written.
        """
        if not 0 <= row < len(self.state.keys):
            raise InputError(f"there is no image number {row}")
        if not answers:
            raise InputError("an answer says something about at least one label")
        for said in answers:
            if said.label != self.safe and said.label not in self.state.taxonomy:
                raise InputError(f"{said.label!r} is not a label of taxonomy {self.state.dataset.taxonomy}")
        rows = self.state.alike(row) if together and not self.assignment.adjudicating else [row]
        return self.state.record(self.reviewer, rows, answers, id, self.remark_of(remark)).number

    def remark_of(self, remark: Remark) -> Remark:
        """Return a remark in the form in which it is kept.

        Raises
        ------
        InputError
            The reason is none of the policy's, or the note is too long.
        """
        codes, note = self.state.policy.reasons, " ".join(remark.note.split())
        if remark.reason and remark.reason not in codes:
            known = ", ".join(codes) or "none; name them in [reasons] of the policy"
            raise InputError(f"{remark.reason!r} is not one of your reason codes; known: {known}")
        if len(note) > LONGEST_NOTE:
            raise InputError(f"the note has {len(note)} characters; expected at most {LONGEST_NOTE}")
        return remark._replace(note=note)

    def undo(self, number: int = 0, *, id: str = "") -> dict[str, Any] | None:  # noqa: A002
        """Take back an answer of this reviewer, by default the newest one that stands.

        Returns
        -------
        dict or None
            `number` and `images` (positions) of what was taken back; None when there is nothing.
        """
        with self._lock:
            self.state.look()
            mine = [entry for entry in self.state.standing() if entry.reviewer == self.reviewer]
            chosen = next((entry for entry in reversed(mine) if number in (0, entry.number)), None)
            if chosen is None:
                return None
            self.state.take_back(self.reviewer, chosen, id)
            return {"number": chosen.number, "images": self.state.rows_of(chosen)}
