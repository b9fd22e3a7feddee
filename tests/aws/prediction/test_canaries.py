"""Canaries tell a model that moved from jitter, by images and sizes."""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from botocore.config import Config
from scipy.stats import binomtest, wilcoxon

from manifest_tools.aws.costs import costs_of, spent
from manifest_tools.aws.prediction.canaries import CHANCE, Seen, compare_rounds
from manifest_tools.aws.prediction.predict import plan_predictions, predict_labels
from manifest_tools.core.errors import InputError, SurroundingsWarning
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.evaluation.statistics import signed_rank_greater
from manifest_tools.pipeline.forget.records import Names, scrub_file
from manifest_tools.testing import local_rekognition

ONCE = Config(retries={"total_max_attempts": 1}, max_pool_connections=64)
FAST = {"tps": 5000.0}
COUNT = 30


class Model:
    """Sees a label in most pictures, with a score of their own; `shift` and `jitter` are points."""

    def __init__(self):
        self.shift, self.jitter, self.asked = {}, 0.0, Counter()

    def __call__(self, picture):
        number = picture.content[-1]
        if number >= COUNT - 5:
            return {}
        self.asked[number] += 1
        dice = np.random.default_rng((number, self.asked[number]))  # the same in whatever order threads ask
        shift = self.shift.get(number, self.shift.get("all", 0.0))
        return {"Drinking": float(20 + 2 * number + shift + self.jitter * dice.standard_normal())}


@pytest.fixture(scope="module")
def running():
    with local_rekognition(answer=Model()) as server:
        yield server


@pytest.fixture
def model(running):
    model = running.service.answer
    model.__init__()
    return model


@pytest.fixture
def client(running, model):
    running.calls.clear()
    running.set_base_model("7.0")
    return running.client(config=ONCE)


@pytest.fixture
def pictures(tmp_path):
    rows = []
    for number in range(COUNT):
        content = b"\xff\xd8\xff" + bytes([number])
        (tmp_path / f"{number:02}.jpg").write_bytes(content)
        digest = sha256(content).hexdigest()
        group = "00.jpg" if number < 10 else f"{number:02}.jpg"
        rows.append(
            {"image": f"{number:02}.jpg", "bytes": 4, "sha256": digest, "format": "JPEG", "group": group}
        )
    return Dataset.from_tables(pd.DataFrame(rows), root=str(tmp_path))


@pytest.fixture
def ask(client, pictures, tmp_path):
    """Return what predicts once more, and tells what the summary says of canaries."""
    out = tmp_path / "out"

    def predict(**options):
        predict_labels(pictures, out, client=client, **FAST, **options)
        return json.loads((out / "predictions-summary.json").read_bytes()).get("canaries")

    return predict


def canaries(tmp_path):
    lines = (tmp_path / "out/dataset/canaries.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def codes(check):
    return [found["code"] for found in check["findings"]]


def test_they_are_locked_once_and_asked_again_by_every_later_run(ask, running, tmp_path):
    assert ask(canaries=12, price=1.0) is None
    assert running.calls["DetectModerationLabels"] == COUNT  # locking costs nothing
    for number in (1, 2):
        check = ask(price=1.0)
        assert (check["locked"], check["asked"], check["findings"]) == (12, 12, [])
        assert running.calls["DetectModerationLabels"] == COUNT + number * 24
    assert spent(costs_of(tmp_path / "out")).calls == COUNT + 48
    first, *later = canaries(tmp_path)
    assert [record["locked"] for record in (first, *later)] == [True, False, False]
    assert all(record["answers"] == first["answers"] for record in later)
    images = {item["image"] for item in first["answers"]}
    assert len(images & {f"{number:02}.jpg" for number in range(10)}) <= 1  # of look-alikes one at most
    assert sum(bool(item["scores"]) for item in first["answers"]) == 12
    ask(canaries=0)
    assert len(canaries(tmp_path)) == 3


def test_answers_that_moved_under_the_same_name_are_told_with_images_and_sizes(ask, model):
    ask(canaries=12)
    model.shift = {number: 6.0 * (-1) ** number for number in range(COUNT)}  # both ways: no mean moves
    check = ask()
    assert codes(check) == ["canary-moved"]
    (found,) = check["findings"]
    assert found["data"]["count"] == 12
    assert found["data"]["middle"] == pytest.approx(6)
    moved = found["data"]["images"][0]
    assert abs(moved["after"] - moved["before"]) == pytest.approx(6)
    assert moved["image"] in found["message"]
    assert codes(ask()) == ["canary-moved"]  # until they are asked anew
    assert codes(ask(fresh=True)) == ["canary-moved"]
    assert codes(ask()) == []


def test_one_image_that_jumps_is_enough(ask, model, tmp_path):
    ask(canaries=12)
    one = canaries(tmp_path)[0]["answers"][3]["image"]
    model.shift = {int(one[:2]): 25.0}
    (found,) = ask()["findings"]
    assert [item["image"] for item in found["data"]["images"]] == [one]


def test_jitter_is_no_change(ask, model):
    model.jitter = 2.0
    ask(canaries=20)
    assert [codes(ask()) for _ in range(3)] == [[]] * 3


def test_a_new_version_is_told_once_with_its_sizes(ask, running, model):
    ask(canaries=12)
    running.set_base_model("8.0")
    model.shift = {"all": 3.0}
    check = ask()
    assert codes(check) == ["base-model-changed"]
    assert check["p-value"] is None
    assert (
        "base model 8.0 answers; 7.0 did before. Of 12 canaries 12 moved, by 3"
        in check["findings"][0]["message"]
    )
    assert codes(ask()) == []


@pytest.mark.parametrize(
    ("count", "told"),
    [(5, "fewer cannot tell"), (22, "there are 21 to ask about that are no"), (501, "to 500")],
)
def test_a_number_that_cannot_be_is_refused_before_any_call(ask, running, count, told):
    with pytest.raises(InputError, match=told):
        ask(canaries=count)
    assert not running.calls["DetectModerationLabels"]


def test_a_refused_number_costs_no_answer(ask, running):
    ask()
    with pytest.raises(InputError):
        ask(canaries=5, fresh=True)
    ask()
    assert running.calls["DetectModerationLabels"] == COUNT


def test_none_are_locked_before_enough_is_answered(ask, tmp_path):
    check = ask(canaries=12, price=1.0, max_cost=0.011)
    assert (check["locked"], check["asked"]) == (0, 0)
    assert not (tmp_path / "out/dataset/canaries.jsonl").exists()
    ask(canaries=12, price=1.0)
    assert ask(canaries=12)["locked"] == 12


def test_the_locked_number_stays(ask, pictures, tmp_path):
    ask(canaries=12)
    assert ask(canaries=12)["asked"] == 12
    with pytest.raises(InputError, match="12 canaries are locked"):
        ask(canaries=13)
    plan = plan_predictions(pictures, tmp_path / "out", tps=1, price=1000)
    assert (plan.to_ask, plan.canaries, plan.cost, plan.seconds) == (24, 24, 24, 24)
    assert plan_predictions(pictures, tmp_path / "out", canaries=0).to_ask == 0


def test_a_limit_and_images_that_are_gone_leave_fewer(ask, pictures, running, tmp_path):
    ask(canaries=12)
    check = ask(price=1.0, max_cost=0.015)
    assert (check["locked"], check["asked"]) == (12, 3)
    assert running.calls["DetectModerationLabels"] == COUNT + 15
    path = tmp_path / "out/dataset/canaries.jsonl"
    gone = canaries(tmp_path)[0]["answers"][0]["image"]
    told = scrub_file(path, Names(frozenset({gone})))
    path.write_bytes(told[0])
    assert gone.encode() not in path.read_bytes()
    assert ask(canaries=12)["locked"] == 11
    with path.open("ab") as stream:
        stream.write(b'{"locked": true, "question": "x", "answers": [{"image": "a"}]}\n')
    with pytest.warns(SurroundingsWarning, match=r"canaries\.jsonl:4"):
        assert ask()["asked"] == 11


def rounds(dice, images, jitter, change):
    """Three askings of images: before, and twice now."""
    truth = dice.uniform(20, 80, images)
    before, now = truth, truth + change * dice.standard_normal(images)
    answers = [base + jitter * dice.standard_normal(images) for base in (before, now, now)]
    return [
        {str(n): Seen(str(n), f"{n}.jpg", "7.0", {"Alcohol": float(score)}) for n, score in enumerate(scores)}
        for scores in answers
    ]


@pytest.mark.parametrize("jitter", [0.05, 2.0])
def test_false_alarms_are_as_rare_as_promised_and_changes_are_seen(jitter):
    dice = np.random.default_rng(1)
    repetitions, alarms, seen = 400, 0, 0
    for _ in range(repetitions):
        before, first, second = rounds(dice, 20, jitter, 0.0)
        alarms += bool(compare_rounds([list(before.values())], first, second, 5.0)[1])
        before, first, second = rounds(dice, 20, jitter, 4 * jitter)
        seen += bool(compare_rounds([list(before.values())], first, second, 5.0)[1])
    assert binomtest(alarms, repetitions, CHANCE, alternative="greater").pvalue > 0.001
    assert seen > 0.9 * repetitions


def test_the_test_is_the_librarys():
    dice = np.random.default_rng(0)
    for size in (1, 5, 9, 20, 40):
        values = dice.normal(0.3, 1, size)
        expected = wilcoxon(values, alternative="greater", method="exact").pvalue
        assert signed_rank_greater(values) == pytest.approx(expected)
    assert signed_rank_greater([0.0, 0.0]) == 1.0
    assert signed_rank_greater([1.0] * 7) == 2**-7  # ties
