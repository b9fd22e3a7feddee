"""Thresholds under stated limits: they hold out of sample, and where none can, that is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import beta, binomtest

from manifest_tools.aws.moderation.decision_policy import Decisions
from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.evaluation import EvaluationFiles, compare_evaluation
from manifest_tools.evaluation.decision_file import write_decisions
from manifest_tools.evaluation.decisions import (
    Limits,
    block_threshold,
    choose_decisions,
    images_needed,
    review_threshold,
)
from manifest_tools.evaluation.files import Judged
from manifest_tools.evaluation.mistakes import arrange
from manifest_tools.evaluation.text import text_lines
from manifest_tools.reports.evaluation_page import render_page
from tests.evaluation.samples import line, manifest

REPETITIONS = 1000
SHOWN, ABSENT = beta(6, 2), beta(2, 6)  # of scores / 100


@pytest.mark.parametrize("limit", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("images", [200, 1000])
def test_limits_hold_out_of_sample_in_at_least_95_percent_of_repetitions(limit, images):
    dice = np.random.default_rng(images)
    misses, blocks = [], []
    for _ in range(REPETITIONS):
        review, _ = review_threshold(100 * SHOWN.rvs(images, random_state=dice), limit)
        block, _ = block_threshold(100 * ABSENT.rvs(images, random_state=dice), limit)
        misses.append(SHOWN.cdf(review / 100))
        blocks.append(ABSENT.sf(block / 100))
    for rates in (misses, blocks):
        held = int((np.array(rates) <= limit).sum())
        assert binomtest(held, REPETITIONS, 0.95, alternative="less").pvalue > 0.001
        assert np.mean(rates) > limit / 5  # no threshold that blocks or allows next to nothing


def test_limits_hold_for_scores_with_many_ties_too():
    dice = np.random.default_rng(0)
    held = 0
    for _ in range(REPETITIONS):
        review, _ = review_threshold(dice.integers(5, 11, 150) * 10.0, 0.2)
        held += (review / 10 - 5) / 6 <= 0.2
    assert held >= 0.95 * REPETITIONS


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3])
def test_below_so_many_images_no_limit_can_be_promised(limit):
    scores = np.full(images_needed(limit), 60.0)
    assert review_threshold(scores, limit) == (60.0, pytest.approx(limit, abs=0.02))
    assert review_threshold(scores[1:], limit)[0] is None
    assert block_threshold(scores, limit)[0] == 60.01
    assert block_threshold(scores[1:], limit)[0] is None


def test_what_is_never_reported_cannot_be_caught_and_a_full_score_cannot_be_spared():
    silent = np.r_[np.zeros(30), np.full(70, 90.0)]
    assert review_threshold(silent, 0.1)[0] is None
    assert block_threshold(np.r_[np.full(30, 100.0), np.zeros(70)], 0.1)[0] is None
    assert block_threshold(np.zeros(100), 0.1)[0] == 1.0  # never a fraction


def held_out(count=100):
    """Beers score 41 to 90, harmless pictures 1 to 50."""
    return [
        *(
            line(f"beer-{n}.jpg", ["Alcohol"], {}, {"Alcohol": 90 - 49 * n / (count - 1)})
            for n in range(count)
        ),
        *(line(f"tea-{n}.jpg", [], {}, {"Alcohol": 50 - 49 * n / (count - 1)}) for n in range(count)),
    ]


def evaluated(lines, limits, **options):
    return compare_evaluation(EvaluationFiles("x", manifest=manifest(lines)), limits=limits, **options)


def test_the_file_is_read_by_moderate_and_says_where_its_figures_come_from(tmp_path):
    evaluation = evaluated(held_out(), Limits(0.05, 0.05))
    write_decisions(tmp_path / "decisions.toml", evaluation.adapters[0])

    text = (tmp_path / "decisions.toml").read_text(encoding="utf-8")
    assert "200 held-out images, 200 of them independent" in text
    assert text.count("limit 5 %: met") == 2

    rules = Decisions.from_toml(tmp_path / "decisions.toml")

    def decided(score):
        return str(rules.decide([{"Name": "Alcohol", "ParentName": "", "Confidence": score}]).action)

    (label,) = evaluation.adapters[0].decisions.labels
    assert 41 <= label.review < 43
    assert 48 < label.block <= 50.01
    assert [decided(score) for score in (40.0, 45.0, 90.0)] == ["allow", "review", "block"]


def test_look_alikes_count_once_by_the_worst_of_them():
    scores = np.r_[np.full(60, 90.0), np.full(60, 70.0)]
    judged = [
        Judged(f"{n}", frozenset({"Alcohol"}), {}, {"Alcohol": score}) for n, score in enumerate(scores)
    ]
    pairs = {f"{n}": f"pair {n % 60}" for n in range(120)}
    plan = choose_decisions(arrange(judged, ["Alcohol"], pairs), Limits(0.05), (), Taxonomy.load())
    assert (plan.groups, plan.labels[0].review, plan.labels[0].miss.total) == (60, 70.0, 60)


def test_thresholds_are_for_one_adapter():
    files = [EvaluationFiles(name, manifest=manifest(held_out())) for name in "xy"]
    with pytest.raises(InputError, match="one adapter"):
        compare_evaluation(*files, limits=Limits(0.05))


def test_where_no_threshold_can_it_is_said_and_everything_reported_is_reviewed(tmp_path):
    evaluation = evaluated(held_out(20), Limits(0.05, 0.05))
    (label,) = evaluation.adapters[0].decisions.labels
    assert (label.review, label.block) == (0.0, None)
    words = "\n".join(text_lines(evaluation))
    assert "20 different images with the label are too few: at least 59 are needed" in words
    write_decisions(tmp_path / "decisions.toml", evaluation.adapters[0])
    assert Decisions.from_toml(tmp_path / "decisions.toml").labels == {"Alcohol": {"review": 0.0}}


def test_thresholds_that_cross_leave_nothing_to_review(tmp_path):
    lines = [
        *(line(f"beer-{n}.jpg", ["Alcohol"], {}, {"Alcohol": 90.0 + n / 50}) for n in range(100)),
        *(line(f"tea-{n}.jpg", [], {}, {"Alcohol": 10.0}) for n in range(100)),
    ]
    evaluation = evaluated(lines, Limits(0.05, 0.05))
    write_decisions(tmp_path / "d.toml", evaluation.adapters[0])
    (label,) = evaluation.adapters[0].decisions.labels
    assert label.review == label.block >= 90
    assert Decisions.from_toml(tmp_path / "d.toml").labels == {"Alcohol": {"block": label.block}}


def test_reviews_a_day_come_from_ordinary_traffic(tmp_path):
    guard = tmp_path / "traffic.manifest"
    ordinary = [line(f"t{n}.jpg", None, {}, {"Alcohol": 45.0} if n < 20 else {}) for n in range(1000)]
    guard.write_bytes(manifest(ordinary))
    for limit, verdict in ((500, "met"), (220, "too few to promise it"), (100, "the other limits need more")):
        limits = Limits(0.05, 0.05, reviews_a_day=limit, traffic=10_000)
        evaluation = evaluated(held_out(), limits, guard=guard)
        assert evaluation.adapters[0].decisions.reviews.met is (verdict == "met")
        words = "\n".join(text_lines(evaluation))
        assert "about 200, at most" in words
        assert verdict in words
    json.dumps(evaluation.to_dict())


def test_the_page_has_a_chart_and_the_same_words():
    page = render_page(evaluated(held_out(), Limits(0.05, 0.05)))
    assert page.count('<polyline class="miss"') == page.count('<polyline class="block"') == 1
    assert "limit 5 %: met" in page


@pytest.mark.parametrize(
    "limits",
    [
        (),
        (0,),
        (1.5,),
        (None, -1),
        (float("nan"),),
        (0.1, None, 50),
        (0.1, None, 0, 100),
        (0.1, None, None, float("inf")),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(limits):
    with pytest.raises(InputError):
        Limits(*limits)


def test_what_a_limit_needs_is_asked_for():
    with pytest.raises(InputError, match="guard"):
        evaluated(held_out(), Limits(0.05, traffic=100))
    with pytest.raises(InputError, match="none of the labels"):
        evaluated(held_out(), Limits(0.05), targets=["Gambling"])


def test_labels_that_the_test_set_lacks_get_no_threshold_and_are_named():
    files = EvaluationFiles("x", manifest=manifest(held_out()))
    (adapter,) = compare_evaluation(files, limits=Limits(0.05), targets=["Alcohol", "Gambling"]).adapters
    assert [item.label for item in adapter.decisions.labels] == ["Alcohol"]
    assert [note for note in adapter.notes if "No thresholds for Gambling: not in the test set" in note]
    (known,) = compare_evaluation(files, limits=Limits(0.05), targets=["Alcohol"]).adapters
    assert not [note for note in known.notes if "No thresholds" in note]
