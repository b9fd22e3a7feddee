"""How common labels are in traffic, and what the rates of a test set come to there."""

from __future__ import annotations

import json

import numpy as np
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.evaluation import EvaluationFiles, compare_evaluation
from manifest_tools.evaluation.files import Judged
from manifest_tools.evaluation.mistakes import arrange
from manifest_tools.evaluation.prevalence import Sample, prevalences, read_sample
from manifest_tools.evaluation.statistics import wilson
from manifest_tools.evaluation.text import text_lines
from manifest_tools.evaluation.traffic import traffic_rates
from manifest_tools.reports.evaluation_page import render_page
from tests.evaluation.samples import line, manifest

LABEL = "Alcohol"
BEER = frozenset({LABEL})


def judged(true, base, adapter, name=""):
    scores = [{LABEL: 90.0} if said else {} for said in (base, adapter)]
    return Judged(name, BEER if true else frozenset(), *scores)


def sampled(images, weights=None):
    values = np.ones(len(images)) if weights is None else np.array(weights, dtype=float)
    return Sample(tuple(images), values, np.unique(values, return_inverse=True)[1])


def plain(true, false):
    return sampled([judged(True, True, True)] * true + [judged(False, False, False)] * false)


def test_a_simple_sample_has_about_wilsons_interval():
    (found,) = prevalences(plain(20, 980), [LABEL])
    expected = wilson(20, 1000)
    assert found.share == 0.02
    assert found.interval == expected


def test_weights_undo_that_high_scores_were_taken_more_often():
    images = [judged(n < 50, True, True) for n in range(100)] + [
        judged(n < 2, False, False) for n in range(200)
    ]
    (found,) = prevalences(sampled(images, [1] * 100 + [49.5] * 200), [LABEL])
    assert found.share == pytest.approx((50 + 2 * 49.5) / 10_000)
    assert found.interval.low < found.share < found.interval.high


@pytest.mark.parametrize("rates", [(0.5, 0.005), (0.9, 0.0), (0.3, 0.05)])
@pytest.mark.parametrize("sizes", [(150, 350), (300, 300)])
def test_intervals_of_stratified_samples_cover_the_truth(rates, sizes):
    dice = np.random.default_rng(0)
    weights = np.repeat([1.0, 20.0], sizes)
    traffic = np.array([sizes[0] * 1.0, sizes[1] * 20.0])
    truth = float(traffic @ rates / traffic.sum())
    covered = 0
    for _ in range(400):
        flags = np.concatenate([dice.random(size) < rate for size, rate in zip(sizes, rates, strict=True)])
        interval = Sample((), weights, np.repeat([0, 1], sizes)).interval(flags)
        covered += interval.low <= truth <= interval.high
    assert covered >= 0.94 * 400


@pytest.mark.parametrize("width", [0.001, 0.01, 0.05])
def test_the_sample_that_is_needed_is_the_smallest_that_narrows_it(width):
    (found,) = prevalences(plain(20, 980), [LABEL], width)
    alike = plain(20, 980).shares(np.arange(1000) < 20)[1] / 1000

    def wide(images):
        interval = wilson(0.02 * images * alike, images * alike)
        return interval.high - interval.low

    assert wide(found.needed) <= width < wide(found.needed - 1)


def enriched(dice, count, rates):
    """A test set of as many images of each combination of truth and base answer."""
    return [
        judged(true, base, dice.random() < rates[true, base], f"{true}{base}{n}")
        for true in (True, False)
        for base in (True, False)
        for n in range(count)
    ]


def test_rates_of_a_test_set_rich_in_mistakes_become_those_of_traffic():
    """In traffic 2 % show beer. The base model misses half of them, and flags 3 % of the others."""
    common = {(True, True): 0.01, (True, False): 0.01, (False, True): 0.0294, (False, False): 0.9506}
    says = {(True, True): 0.95, (True, False): 0.6, (False, True): 0.2, (False, False): 0.01}
    found = sum(common[key] * says[key] for key in common)
    right = sum(common[True, base] * says[True, base] for base in (True, False))
    dice = np.random.default_rng(3)
    covered = np.zeros(4)
    repetitions = 100
    for _ in range(repetitions):
        tests = arrange(enriched(dice, 60, says), [LABEL], {})
        drawn = dice.multinomial(2000, list(common.values()))
        sample = sampled(
            [
                judged(true, base, False)
                for (true, base), n in zip(common, drawn, strict=True)
                for _ in range(n)
            ]
        )
        (rates,) = traffic_rates(tests, sample, 50)
        for place, (rate, truth) in enumerate(
            (
                (rates.base_precision, 0.01 / 0.0394),
                (rates.base_recall, 0.5),
                (rates.adapter_precision, right / found),
                (rates.adapter_recall, right / 0.02),
            )
        ):
            covered[place] += rate.interval.low <= truth <= rate.interval.high
    assert (covered >= 0.88 * repetitions).all()


def lines(name, counts):
    """Lines with so many images of (truth, base says, adapter says)."""
    return [
        line(
            f"{name}-{kind}-{n}.jpg",
            [LABEL] if true else [],
            {LABEL: 90.0} if base else {},
            {LABEL: 90.0} if adapter else {},
        )
        for kind, ((true, base, adapter), count) in enumerate(counts.items())
        for n in range(count)
    ]


TESTED = {
    (True, False, True): 15,
    (True, True, True): 15,
    (False, True, False): 15,
    (False, False, False): 15,
}
TRAFFIC = {
    (True, True, True): 5,
    (True, False, False): 5,
    (False, True, False): 20,
    (False, False, False): 970,
}


def test_evaluate_says_it_in_words_on_the_page_and_in_json(tmp_path):
    sample = tmp_path / "traffic.manifest"
    sample.write_bytes(manifest(lines("traffic", TRAFFIC)))
    files = EvaluationFiles("x", manifest=manifest(lines("test", TESTED)))
    evaluation = compare_evaluation(files, sample=sample, sample_width=0.01)
    words = "\n".join(text_lines(evaluation))
    assert "by a random sample of 1000 images" in words
    assert "Alcohol: in 1.0 % of the images (95 % interval 0.5 to 1.8 %)" in words
    assert "images would tell it within 1.0 %" in words
    assert "base model  precision 20.0 %" in words
    assert "adapter     precision 100.0 %" in words
    assert "base model  precision 20.0 %" in render_page(evaluation)
    json.dumps(evaluation.to_dict())
    assert compare_evaluation(files, sample=sample, sample_width=0.01) == evaluation


def test_what_the_test_set_has_no_image_of_is_not_made_up(tmp_path):
    sample = tmp_path / "traffic.manifest"
    sample.write_bytes(manifest(lines("traffic", TRAFFIC)))
    without = {kind: count for kind, count in TESTED.items() if kind != (False, False, False)}
    evaluation = compare_evaluation(
        EvaluationFiles("x", manifest=manifest(lines("test", without))), sample=sample
    )
    (rates,) = evaluation.adapters[0].traffic
    assert rates.adapter_precision.share is None
    assert rates.adapter_recall.share == 1.0
    assert rates.base_precision.share == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"content-moderation-groundtruth": None}, "line 2: no content-moderation-groundtruth"),
        ({"detect-moderation-labels": None}, "line 2: no detect-moderation-labels"),
        ({"detect-moderation-labels": []}, "line 2: no detect-moderation-labels"),
        ({"source-ref": None}, "line 2: no source-ref"),
        ({"source-ref": "s3://acme-mod/traffic-0-0.jpg"}, "line 2: .* stands there twice"),
        ({"sampling-weight": 0}, "line 2: sampling-weight is 0"),
        ({"sampling-weight": "many"}, "line 2: sampling-weight is 'many'"),
        ({"sampling-weight": 3}, "give every line one, or none"),
    ],
)
def test_what_is_no_random_sample_is_refused(tmp_path, change, message):
    made = lines("traffic", TRAFFIC)[:5]
    made[1] |= change
    path = tmp_path / "traffic.manifest"
    path.write_bytes(manifest(made))
    with pytest.raises(InputError, match=message):
        read_sample(path, Taxonomy.load())


def test_weights_are_read_from_the_manifest(tmp_path):
    made = [one | {"sampling-weight": 1 + n % 2} for n, one in enumerate(lines("traffic", TRAFFIC)[:5])]
    path = tmp_path / "traffic.manifest"
    path.write_bytes(manifest(made))
    assert sorted(read_sample(path, Taxonomy.load()).weights) == [1, 1, 1, 2, 2]


def test_a_width_without_a_sample_has_no_effect_and_is_refused():
    files = EvaluationFiles("x", manifest=manifest(lines("test", TESTED)))
    with pytest.raises(InputError, match="without a sample"):
        compare_evaluation(files, sample_width=0.01)
