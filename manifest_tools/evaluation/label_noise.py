"""How far given labels can be believed: what each label's scores tell of the truth, and how often the label is given wrongly.

The base model never saw the labels, so its scores are out of sample, which is what confident learning (Northcutt, Jiang
and Chuang 2021) asks for. The noise of a label is fitted to its own scores, however well they are calibrated: a curve in
log odds says how likely the label is at a score, and two rates say how often it is missed and invented.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from manifest_tools.core.arrays import Floats, Mask
from manifest_tools.dataset.outcomes import Outcomes

_FARTHEST, _STEP = 6.9, 0.05  # log odds of 0.1 %, and the width of the bins in which scores are counted
_BINS = int(2 * _FARTHEST / _STEP) + 1
_ROUNDS = 100  # of the fit
_STILL = 1e-3  # a round that moves no chance by more ends the fit
_MOST = 0.3  # with a larger share of wrong labels, nothing tells them from the right ones
_AT_FIRST = 0.2  # share of wrong labels that the fit begins with
_SHARED = 200.0  # images that what all labels have in common counts for, beside a label's own
_ALIKE_AT_LEAST = 0.05  # share of a label's images that may well be wrong without any other sign of it
_AS_SAID = np.array([[0.0, 1.0, 1.0]])  # scores that are what they say
_PRIOR_ALL = np.array([1.0, 3.0, 3.0])  # how firmly all labels together keep to scores that are what they say
_PRIOR_EACH = np.array([1.0, 3.0, 3.0])  # how firmly each label keeps to what all have in common
_STEPS, _LONGEST_STEP = 5, 3.0  # of Newton's method in one round
_FIRM, _COUPLED = 30.0, 0.05  # how firmly the rates of the two kinds of error are held together


def _log_odds(share: Floats) -> Floats:
    return np.asarray(np.log(share / (1 - share)))


def _sigmoid(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -30, 30))))


def _evidence(score: Floats) -> Floats:
    """Return the log odds that a confidence of 0 to 100 stands for."""
    return np.asarray(np.clip(_log_odds(np.clip(score / 100, 1e-4, 1 - 1e-4)), -_FARTHEST, _FARTHEST))


def _features(evidence: Floats) -> Floats:
    """Return what the log odds of a label are linear in: 1, log(share) and -log(1 - share), shape (scores, 3)."""
    return np.stack([np.ones_like(evidence), -np.logaddexp(0, -evidence), np.logaddexp(0, evidence)], axis=1)


_FEATURES = _features(np.asarray(np.arange(_BINS) * _STEP - _FARTHEST, dtype=np.float64))


@dataclass(frozen=True)
class NoiseModel:
    """How the scores of each label tell of the truth, and how far its given labels can be believed.

    Parameters
    ----------
    curve : float array, shape (labels, 3)
        The log odds that the label is there are `a + b * log(share) - c * log(1 - share)` of the score as a share.
    silent : float array, shape (labels,)
        How likely it is there where the model was asked and reports nothing.
    missed, invented : float array, shape (labels,)
        The share of the images with the label in which it is not given, and of those without it in which it is.
    explained : float array, shape (labels,)
        Of the labels that are given where the model reports nothing, the share that wrong labels can explain at most:
        the model may as well be blind for the label, and its silence alone does not tell which of both it is.
    """

    curve: Floats
    silent: Floats
    missed: Floats
    invented: Floats
    explained: Floats

    def wrong(self, column: int, score: Floats, given: Mask) -> Floats:
        """Return how likely given labels of one column are wrong.

        Parameters
        ----------
        column : int
            The label.
        score : float array
            The model's confidence, 0 to 100; NaN where it reports nothing.
        given : bool array
            Whether the label is given as present; else as absent.
        """
        reported = ~np.isnan(score)
        there = np.full(len(score), self.silent[column])
        there[reported] = _sigmoid(_features(_evidence(score[reported])) @ self.curve[column])
        wrong = _chance(there, given, self.missed[column], self.invented[column])
        wrong[given & ~reported] = np.minimum(wrong[given & ~reported], self.explained[column])
        return wrong


def _chance(there: Floats, given: Mask, missed: Floats, invented: Floats) -> Floats:
    """Return how likely a given label is wrong, where `there` is how likely it is there by the score alone."""
    with_it = np.where(given, 1 - missed, missed) * there
    without = np.where(given, invented, 1 - invented) * (1 - there)
    return np.asarray(np.where(given, without, with_it) / np.maximum(with_it + without, 1e-12))


def fit_noise(outcomes: Outcomes) -> NoiseModel:
    """Fit the noise of every label to its scores by expectation maximisation.

    Labels share what they have in common: one with few images is judged like the others.

    Parameters
    ----------
    outcomes : Outcomes
        Truth, as given, and the model's confidences.
    """
    counts = _counted(outcomes)
    cells = counts.sum(axis=2)
    fitted = _Relation.to(counts[:, :, 1], cells, None)
    missed = invented = np.full(len(counts), _AT_FIRST)
    there = np.clip((fitted.there - _AT_FIRST) / (1 - 2 * _AT_FIRST), 1e-3, 1 - 1e-3)
    before = np.zeros(0)
    sides = np.array([[False]]), np.array([[True]])  # not given, given
    for _ in range(_ROUNDS):
        wrong = [_chance(there, given, missed[:, None], invented[:, None]) for given in sides]
        present = np.stack([wrong[0], 1 - wrong[1]], axis=2)  # how likely the label is there
        if len(before) and np.abs(present - before).max(initial=0.0) < _STILL:
            break
        before = present
        fitted = _Relation.to((counts * present).sum(axis=2), cells, fitted)
        missed, invented = _noise(counts, present)
        there = fitted.there
    given = counts[:, :, 1].sum(axis=1)
    by_noise = np.maximum(missed * cells[:, -1], _ALIKE_AT_LEAST * given)
    explained = np.minimum(1.0, by_noise / np.maximum(counts[:, -1, 1], 1))
    return NoiseModel(fitted.curve, fitted.silent, missed, invented, explained)


def _counted(outcomes: Outcomes) -> Floats:
    """Count the known cells that the model was asked about, shape (labels, bins of scores and silence, absent or present)."""
    counts = np.zeros((len(outcomes.labels), _BINS + 1, 2))
    for column in range(len(counts)):
        score = outcomes.score[:, column]
        scored = ~np.isnan(score)
        for given, mask in enumerate((outcomes.truth.absent[:, column], outcomes.truth.present[:, column])):
            known = mask & outcomes.asked
            place = np.rint((_evidence(score[known & scored]) + _FARTHEST) / _STEP).astype(np.int64)
            counts[column, :_BINS, given] = np.bincount(place, minlength=_BINS)
            counts[column, _BINS, given] = np.count_nonzero(known & ~scored)
    return counts


@dataclass(frozen=True)
class _Relation:
    """How likely each label is at each score: a curve in log odds, and a share for silence."""

    curve: Floats
    shared: Floats
    silent: Floats

    @classmethod
    def to(cls, present: Floats, cells: Floats, before: _Relation | None) -> _Relation:
        """Fit to (expected) numbers of images that have the label, shape (labels, bins), of so many."""
        shared = before.shared if before else _AS_SAID
        curves = before.curve if before else np.repeat(shared, len(cells), axis=0)
        total = present.sum(axis=0, keepdims=True), cells.sum(axis=0, keepdims=True)
        shared = _curves(total[0][:, :-1], total[1][:, :-1], shared, _AS_SAID, _PRIOR_ALL)
        curves = _curves(present[:, :-1], cells[:, :-1], curves, shared, _PRIOR_EACH)
        alike = total[0][0, -1] / max(total[1][0, -1], 1)
        silent = (present[:, -1] + 4 * alike) / (cells[:, -1] + 4)
        return cls(curves, shared, silent)

    @property
    def there(self) -> Floats:
        """How likely each label is, shape (labels, bins)."""
        scored = _sigmoid(self.curve @ _FEATURES.T)
        return np.concatenate([scored, self.silent[:, None]], axis=1)


def _curves(present: Floats, cells: Floats, start: Floats, prior: Floats, firm: Floats) -> Floats:
    """Fit logistic regressions on the bins' features, one a row, by a few of Newton's steps."""
    curve = start.copy()
    squares = _FEATURES[:, :, None] * _FEATURES[:, None, :]
    for _ in range(_STEPS):
        there = _sigmoid(curve @ _FEATURES.T)
        pull = (present - cells * there) @ _FEATURES - firm * (curve - prior)
        curvature = np.tensordot(cells * there * (1 - there), squares, axes=1) + np.diag(firm)
        step = np.linalg.solve(curvature, pull[:, :, None])[:, :, 0]
        step *= np.minimum(1, _LONGEST_STEP / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-12))
        curve += step
    curve[:, 1:] = np.maximum(curve[:, 1:], 0)  # a higher score never speaks against a label
    return curve


def _noise(counts: Floats, present: Floats) -> tuple[Floats, Floats]:
    """Return how often each label is missed and invented, drawn to what all labels have in common."""
    with_it, without = counts * present, counts * (1 - present)
    missed, invented = with_it[:, :, 0].sum(axis=1), without[:, :, 1].sum(axis=1)
    of_present, of_absent = with_it.sum(axis=(1, 2)), without.sum(axis=(1, 2))
    # Where nothing tells the two rates apart, labels are invented about as often as they are missed.
    common = (missed.sum() + invented.sum() + 1) / (of_present.sum() + of_absent.sum() + 20)
    all_missed = (missed.sum() + 1 + _FIRM * common) / (of_present.sum() + 20 + _FIRM)
    firm = _FIRM + _COUPLED * of_absent.sum()
    all_invented = (invented.sum() + firm * all_missed) / (of_absent.sum() + firm)
    missed = (missed + _SHARED * all_missed) / (of_present + _SHARED)
    invented = (invented + _SHARED * all_invented) / (of_absent + _SHARED)
    return np.minimum(missed, _MOST), np.minimum(invented, _MOST)
