"""Use an adapter: images in, decisions out, and what it disagrees about with the base model."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from manifest_tools.aws.moderation.adapter_checks import MIN_CONFIDENCE, look_at, other_base_models
from manifest_tools.aws.moderation.decided_image import ON_STOP_LIST, decide
from manifest_tools.aws.moderation.decision_policy import Action, Decisions
from manifest_tools.aws.prediction.answer_journal import answer_journal
from manifest_tools.aws.prediction.budget import MAX_COST, Budget, Purse
from manifest_tools.aws.prediction.output_files import pictures_by_image, references_of
from manifest_tools.aws.prediction.predict import ask_about, screened
from manifest_tools.aws.prediction.question import AdapterIgnoredError, Answers, Question
from manifest_tools.core.progress import Progress
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.disagreements import DISAGREEMENTS
from manifest_tools.evaluation.files import CONTENT
from manifest_tools.findings.findings import Finding, Severity
from manifest_tools.findings.policy import Policy
from manifest_tools.images.stop_list.stop_list import STOPPED
from manifest_tools.manifests.writing import write_lines
from manifest_tools.sources.predictions import attach_predictions
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.uris import is_s3_uri

RESULTS, JOURNAL, COMPARED = "moderation.jsonl", "moderation.journal", "moderation-output.manifest"


@dataclass(frozen=True)
class ModerationResult:
    """What came of moderating.

    Attributes
    ----------
    counts : mapping of str to int
        Images by decision.
    failed : int
        Images without an answer; the decision policy decides on them, too.
    not_asked : int
        Of these, the images that were not asked about because of `max_cost`.
    on_stop_list : int
        Images that are on a stop list: blocked, and not asked about.
    disagreements : int or None
        Images that the base model sees otherwise; None when it was not asked.
    findings : tuple of Finding
        About the adapter: expired, ignored, deprecated, or of another base model.
    """

    counts: Mapping[str, int]
    failed: int = 0
    not_asked: int = 0
    on_stop_list: int = 0
    disagreements: int | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the adapter answered."""
        return all(found.severity is not Severity.ERROR for found in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the result, ready for JSON."""
        return {
            **asdict(self),
            "passed": self.passed,
            "findings": [found.to_dict() for found in self.findings],
        }


def moderate(
    dataset: Dataset,
    adapter: str,
    out: str | Path,
    *,
    decisions: Decisions | None = None,
    compare_base: bool = False,
    client: Any = None,
    s3_client: Any = None,
    tps: float | None = None,
    staging: str = "",
    workers: int | None = None,
    fresh: bool = False,
    price: float | None = None,
    base_price: float | None = None,
    max_cost: float | None = None,
    progress: Progress | None = None,
) -> ModerationResult:
    """Ask an adapter about images, and decide on each.

    Answers go to ``out/moderation.journal`` as they come; a run that was stopped goes on where it was.
    ``out/moderation.jsonl`` holds a line for each image: the decision, its reasons, and the labels. With
    `compare_base`, ``out/moderation-output.manifest`` holds both models' answers in the form of a training's
    output, and ``out/disagreements`` a data set of the images on which they differ, for the next round.

    An expired adapter is left aside by the service in silence. Its status is looked at first, and every
    answer has to name it; otherwise nothing is decided.

    Parameters
    ----------
    dataset : Dataset
        The images. Those that are on the stop lists that it remembers are blocked, and not asked about.
    adapter : str
        ARN.
    out : path
        Folder for the results.
    decisions : Decisions, optional
        By default every label of level 1 goes to review from the data set's confidence threshold on.
    compare_base : bool
        Ask the base model, too: twice the calls.
    price, base_price : float, optional
        Prices of a thousand calls to the adapter and to the base model, for `max_cost`.
    max_cost : float, optional
        Make no call by which this run would cost more. Of an image that is not asked about for that, `decisions` says
        what to do without an answer; the same call goes on with it.
    client, s3_client, tps, staging, workers, fresh, progress
        As in :func:`~manifest_tools.aws.prediction.predict.predict_labels`.

    Returns
    -------
    ModerationResult
        `counts` of the decisions, `failed` images, `findings` about the adapter, and the folder of `disagreements`.

    Raises
    ------
    InputError
        No such adapter, or one of another Region.
    RemoteError
        Amazon refused or failed; what was answered stays, and the next run goes on from there.

    Examples
    --------
    >>> from manifest_tools import aws, read_images
    >>> from manifest_tools.testing import local_rekognition
    >>> dataset = read_images("sample_data/images/animals")
    >>> with local_rekognition(answer=lambda picture: {}, training_looks=0) as rekognition:  # in the place of Amazon's
    ...     client = rekognition.client()
    ...     project = client.create_project(ProjectName="p", Feature="CONTENT_MODERATION")["ProjectArn"]
    ...     data = {"Assets": [{"GroundTruthManifest": {"S3Object": {"Bucket": "my-bucket", "Name": "a.manifest"}}}]}
    ...     adapter = client.create_project_version(
    ...         ProjectArn=project,
    ...         VersionName="v",
    ...         OutputConfig={"S3Bucket": "my-bucket", "S3KeyPrefix": "results"},
    ...         TrainingData=data,
    ...         TestingData=data,
    ...         FeatureConfig={"ContentModeration": {"ConfidenceThreshold": 50}},
    ...     )["ProjectVersionArn"]
    ...     result = aws.moderate(dataset, adapter, "decisions", client=client)
    >>> result.counts
    {'allow': 6, 'review': 0, 'block': 0}
    """
    out = Path(out)
    client = client or make_client("rekognition")
    purse = Purse(max_cost)
    budgets = {adapter: Budget(purse, price), **({"": Budget(purse, base_price)} if compare_base else {})}
    threshold = Policy.from_dict(dataset.policy).confidence_threshold
    known, findings = look_at(client, adapter)
    if any(found.severity is Severity.ERROR for found in findings):
        return ModerationResult({}, findings=tuple(findings))

    dataset = screened(dataset, s3_client)
    stopped = dataset.images["decode_error"].str.startswith(STOPPED)

    def ask(which: str) -> tuple[dict[str, list[str]], Answers]:
        return ask_about(
            dataset,
            Question(which, MIN_CONFIDENCE),
            journal,
            client=client,
            s3_client=s3_client,
            tps=tps,
            staging=staging,
            workers=workers,
            budget=budgets[which],
            progress=progress,
        )

    with answer_journal(out / JOURNAL, fresh=fresh) as journal:
        try:
            by_key, answers = ask(adapter)
        except AdapterIgnoredError as error:
            return ModerationResult({}, findings=(*findings, error.finding))
        base = ask("")[1] if compare_base else None
        asked = [answers, *([base] if base else [])]
        if all(failure.code != MAX_COST for one in asked for failure in one.failed.values()):
            journal.finish()
    findings += other_base_models(known, [*answers.found.values(), *(base.found.values() if base else ())])
    key_of = pictures_by_image(by_key)
    row_of = _Rows(answers, base, decisions or Decisions.usual(threshold), threshold)
    rows = [
        row_of(image, key_of.get(image, ""), on_list=on_list)
        for image, on_list in zip(dataset.images["image"], stopped, strict=True)
    ]
    write_lines(out / RESULTS, rows)
    if base is not None:
        _write_comparison(dataset, out, key_of, answers, base)
        differing = {row["image"]: row["disagreement"] for row in rows if row.get("disagreement")}
        _write_disagreements(dataset, out / DISAGREEMENTS, differing, key_of, base)
    counts = Counter(row["decision"] for row in rows)
    failures = [row["failure"]["code"] for row in rows if "failure" in row]
    return ModerationResult(
        counts={str(action): counts[str(action)] for action in Action},
        failed=len(failures) - int(stopped.sum()),
        not_asked=failures.count(MAX_COST),
        on_stop_list=int(stopped.sum()),
        disagreements=None if base is None else len(differing),
        findings=tuple(findings),
    )


@dataclass(frozen=True)
class _Rows:
    """Makes the lines of the results."""

    answers: Answers
    base: Answers | None
    decisions: Decisions
    threshold: float

    def __call__(self, image: str, key: str, *, on_list: bool) -> dict[str, Any]:
        answer = self.answers.found.get(key)
        failure = ON_STOP_LIST if on_list else self.answers.failed.get(key)
        row = {"image": image, **decide(answer, failure, self.decisions).to_dict()}
        if answer is None:
            return row
        other = self.base.found.get(key) if self.base else None
        if other is not None:
            seen = (
                _seen(answer["ModerationLabels"], self.threshold),
                _seen(other["ModerationLabels"], self.threshold),
            )
            by_base = self.decisions.decide(other["ModerationLabels"], other.get("ContentTypes", ()))
            row["base_decision"] = str(by_base.action)
            row["disagreement"] = sorted(seen[0] ^ seen[1])
        return row


def _seen(labels: Iterable[Mapping[str, Any]], threshold: float) -> set[str]:
    """Return the labels of level 1 that a model reports from the threshold on."""
    return {
        label["Name"] for label in labels if not label.get("ParentName") and label["Confidence"] >= threshold
    }


def _write_comparison(
    dataset: Dataset, out: Path, key_of: Mapping[str, str], answers: Answers, base: Answers
) -> None:
    def lines() -> Iterator[dict[str, Any]]:
        content = dict(zip(dataset.images["image"], dataset.images["sha256"], strict=True))
        place = dict(zip(dataset.images["image"], dataset.images["uri"], strict=True))
        for image, reference in references_of(dataset):
            key = key_of.get(image, "")
            if key in answers.found and key in base.found:
                digest = content[image] or _digest(dataset, place[image] or image)
                yield {
                    "source-ref": reference,
                    **({CONTENT: digest} if digest else {}),
                    "detect-moderation-labels": dict(answers.found[key]),
                    "detect-moderation-labels-base-model": dict(base.found[key]),
                }

    write_lines(out / COMPARED, lines())


def _digest(dataset: Dataset, uri: str) -> str:
    """Return the SHA-256 of a local image, by which `evaluate --guard` knows it whatever it is called; else ""."""
    if is_s3_uri(uri):
        return ""
    try:
        with dataset.path_of(uri).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _write_disagreements(
    dataset: Dataset,
    folder: Path,
    differing: Mapping[str, Sequence[str]],
    key_of: Mapping[str, str],
    base: Answers,
) -> None:
    """Write the images on which the models differ as a data set, with the labels in question and the base model's answers."""
    folder.mkdir(parents=True, exist_ok=True)
    part = dataset.step(
        "disagreements",
        images=dataset.images[dataset.images["image"].isin(differing)],
        labels=dataset.labels[dataset.labels["image"].isin(differing)],
        sources={**dataset.sources, DISAGREEMENTS: {"labels": dict(differing)}},
    )
    lines = [
        {"source-ref": reference, "detect-moderation-labels": dict(base.found[key_of[image]])}
        for image, reference in references_of(part)
    ]
    manifest = folder / "predictions.manifest"
    write_lines(manifest, lines)
    if lines:
        part = attach_predictions(part, manifest, min_confidence=MIN_CONFIDENCE)
    part.save(folder)
