"""Answers that cannot mean what they are taken for: cut at a higher confidence, or at odds with people altogether."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Goal, Policy, Target
from manifest_tools.rules.checking import check_dataset
from manifest_tools.sources.predictions import attach_predictions

WANTED = {goal: Policy(targets=(Target("Alcohol", goal),)) for goal in Goal}


def judged(present, absent=0):
    images = [f"{number:03}.jpg" for number in range(present + absent)]
    labels = pd.DataFrame(
        {"image": images, "label": "Alcohol", "source": "table", "truth": [True] * present + [False] * absent}
    )
    return Dataset.from_tables(
        pd.DataFrame(
            {"image": images, "judged": "scope", "format": "JPEG", "width": 200, "height": 200, "bytes": 9}
        ),
        labels,
        scope=("Alcohol",),
        destination="s3://bucket/in",
    )


def asked(dataset, tmp_path, scores, **options):
    """Attach a table in which the first images have these scores and the others none."""
    path = tmp_path / "predictions.csv"
    cells = [f"Alcohol,{score}" for score in scores] + [","] * (len(dataset) - len(scores))
    rows = [f"{image},{cell}\n" for image, cell in zip(dataset.images["image"], cells, strict=True)]
    path.write_text("image,label,confidence\n" + "".join(rows))
    return attach_predictions(dataset, path, **options)


def found(report):
    return {item.code: str(item.severity) for item in report.findings if item.code.startswith("predictions-")}


def state(report):
    return report.facts["readiness"]["state"]


HIGH = [round(score, 2) for score in np.linspace(90.4, 99.8, 30)]
WIDE = [round(score, 2) for score in np.linspace(50.4, 99.8, 30)]


def test_false_negatives_are_not_ready_before_it_is_said_from_where_the_model_reported(tmp_path):
    cut = asked(judged(90), tmp_path, HIGH)
    report = check_dataset(cut, policy=WANTED[Goal.FALSE_NEGATIVES])
    assert found(report) == {"predictions-cut": "error"}
    assert state(report) != "ready"
    assert not report.passed
    (finding,) = (item for item in report.findings if item.code == "predictions-cut")
    assert "--min-confidence" in finding.fix
    assert "90.4" in finding.message


@pytest.mark.parametrize(("scores", "said"), [(HIGH, 50), (WIDE, None)])
def test_false_negatives_are_ready_where_it_is_said_or_seen(tmp_path, scores, said):
    report = check_dataset(
        asked(judged(90), tmp_path, scores, min_confidence=said), policy=WANTED[Goal.FALSE_NEGATIVES]
    )
    assert found(report) == {}
    assert state(report) == "ready"


def test_saying_the_higher_confidence_leaves_what_is_below_unknown(tmp_path):
    report = check_dataset(
        asked(judged(90), tmp_path, HIGH, min_confidence=90), policy=WANTED[Goal.FALSE_NEGATIVES]
    )
    assert found(report) == {}
    assert state(report) != "ready"


def test_false_positives_are_ready_all_the_same(tmp_path):
    report = check_dataset(asked(judged(0, 40), tmp_path, HIGH), policy=WANTED[Goal.FALSE_POSITIVES])
    assert found(report) == {"predictions-cut": "warning"}
    assert state(report) == "ready"


def test_a_few_high_scores_prove_nothing(tmp_path):
    report = check_dataset(asked(judged(60), tmp_path, HIGH[:6]), policy=WANTED[Goal.FALSE_NEGATIVES])
    assert found(report) == {}


def test_new_answers_settle_the_doubt(tmp_path):
    again = asked(asked(judged(90), tmp_path, HIGH), tmp_path, WIDE)
    assert found(check_dataset(again, policy=WANTED[Goal.FALSE_NEGATIVES])) == {}


def test_a_model_that_agrees_with_people_on_nothing_is_a_warning(tmp_path):
    assert found(check_dataset(asked(judged(30), tmp_path, []), policy=Policy())) == {
        "predictions-disagree": "warning"
    }
    assert found(check_dataset(asked(judged(30), tmp_path, [97.5]), policy=Policy())) == {}
    assert found(check_dataset(asked(judged(10), tmp_path, []), policy=Policy())) == {}
    assert found(check_dataset(asked(judged(0, 30), tmp_path, []), policy=Policy())) == {}
