from __future__ import annotations

import json
from dataclasses import replace
from hashlib import md5, sha256

import pandas as pd
import pytest
from botocore.config import Config
from typer.testing import CliRunner

from manifest_tools.aws.moderation.decision_policy import Decisions
from manifest_tools.aws.moderation.moderate import moderate
from manifest_tools.cli import app
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.testing import local_rekognition

ONCE = Config(retries={"total_max_attempts": 1}, max_pool_connections=64)
NAMES = [f"{n} ü#%.jpg" for n in range(6)]
FAST = {"tps": 5000.0}


def answer(picture):
    """The base model sees violence in every picture, the adapter in every second one."""
    return {"Weapon Violence": 90.0} if not picture.adapter or picture.content[-1] % 2 else {"Violence": 20.0}


@pytest.fixture
def server():
    with local_rekognition(answer=answer) as running:
        yield running


@pytest.fixture
def rekognition(server):
    return server.client(config=ONCE)


@pytest.fixture
def arn(server, make_adapter):
    return make_adapter(server)


@pytest.fixture
def pictures(tmp_path):
    rows = []
    for number, name in enumerate(NAMES):
        content = b"\xff\xd8\xff" + bytes([number])
        (tmp_path / name).write_bytes(content)
        rows.append({"image": name, "bytes": 4, "sha256": sha256(content).hexdigest(), "format": "JPEG"})
    return Dataset.from_tables(pd.DataFrame(rows), root=str(tmp_path))


def results(out):
    return [json.loads(line) for line in (out / "moderation.jsonl").read_bytes().splitlines()]


def test_every_image_gets_a_decision_with_its_reason(rekognition, arn, pictures, tmp_path):
    result = moderate(pictures, arn, tmp_path / "out", client=rekognition, **FAST)
    assert result.passed
    assert result.counts == {"allow": 3, "review": 3, "block": 0}
    rows = results(tmp_path / "out")
    assert [row["image"] for row in rows] == sorted(NAMES)
    assert {row["adapter"] for row in rows} == {arn}
    assert rows[1]["reasons"] == [{"label": "Violence", "confidence": 90.0}]


def test_decisions_follow_the_policy_without_asking_again(server, rekognition, arn, pictures, tmp_path):
    moderate(pictures, arn, tmp_path / "out", client=rekognition, **FAST)
    strict = Decisions.from_dict({"labels": {"Violence": {"block": 10}}})
    before = server.pictures.total()
    result = moderate(pictures, arn, tmp_path / "out", client=rekognition, decisions=strict, **FAST)
    assert result.counts["block"] == 6
    assert server.pictures.total() == before


def test_an_image_without_an_answer_is_not_let_through(rekognition, arn, pictures, tmp_path):
    (tmp_path / NAMES[0]).unlink()
    images = pictures.images.assign(decode_error=["", "missing", "", "", "", ""])
    dataset = Dataset.from_tables(images, root=pictures.root)
    result = moderate(dataset, arn, tmp_path / "out", client=rekognition, **FAST)
    first, second, *_ = results(tmp_path / "out")
    assert result.failed == 2
    assert (first["decision"], first["failure"]["code"]) == ("review", "unreadable")
    assert (second["decision"], second["failure"]["code"]) == ("review", "unsuitable")


def test_disagreements_are_a_data_set_for_the_next_round(rekognition, arn, pictures, tmp_path):
    out = tmp_path / "out"
    result = moderate(pictures, arn, out, client=rekognition, compare_base=True, **FAST)
    assert result.disagreements == 3
    differing = Dataset.load(out / "disagreements")
    assert list(differing.images["image"]) == sorted(NAMES)[::2]
    assert (differing.images["predicted"] == "7.0").all()
    assert set(differing.labels["source"]) == {"predictions"}
    assert results(out)[0]["disagreement"] == ["Violence"]
    assert differing.sources["disagreements"]["labels"][NAMES[0]] == ["Violence"]
    compared = [json.loads(line) for line in (out / "moderation-output.manifest").read_bytes().splitlines()]
    assert {line["content-sha256"] for line in compared} == set(pictures.images["sha256"])
    assert results(out)[0]["base_decision"] == "review"
    compared = [json.loads(line) for line in (out / "moderation-output.manifest").read_bytes().splitlines()]
    assert all(line["detect-moderation-labels"]["ProjectVersion"] == arn for line in compared)
    assert not any("ProjectVersion" in line["detect-moderation-labels-base-model"] for line in compared)


def test_full_agreement_leaves_an_empty_data_set(rekognition, arn, pictures, tmp_path):
    images = pictures.images[pictures.images["image"] == NAMES[1]]
    dataset = Dataset.from_tables(images, root=pictures.root)
    result = moderate(dataset, arn, tmp_path / "out", client=rekognition, compare_base=True, **FAST)
    assert result.disagreements == 0
    assert len(Dataset.load(tmp_path / "out" / "disagreements")) == 0


def test_an_expired_adapter_decides_nothing(server, rekognition, arn, pictures, tmp_path):
    server.set_status(arn, "EXPIRED")
    result = moderate(pictures, arn, tmp_path / "out", client=rekognition, **FAST)
    assert [found.code for found in result.findings] == ["adapter-expired"]
    assert not result.passed
    assert server.pictures.total() == 0


def test_an_adapter_that_is_left_aside_in_silence_decides_nothing(server, arn, pictures, tmp_path):
    """It expires between the look at its status and the first call."""
    rekognition = server.client(config=ONCE)
    look = rekognition.describe_project_versions

    def look_then_expire(**parameters):
        found = look(**parameters)
        server.set_status(arn, "EXPIRED")
        return found

    rekognition.describe_project_versions = look_then_expire
    result = moderate(pictures, arn, tmp_path / "out", client=rekognition, **FAST)
    assert [found.code for found in result.findings] == ["adapter-ignored"]
    assert not (tmp_path / "out" / "moderation.jsonl").exists()


def test_a_new_base_model_is_told(server, rekognition, arn, pictures, tmp_path):
    server.set_base_model("8.0")
    result = moderate(pictures, arn, tmp_path / "out", client=rekognition, **FAST)
    assert result.passed
    assert {found.code: found.data.get("variant") for found in result.findings} == {
        "adapter-expired": "deprecated",
        "base-model-changed": None,
    }


@pytest.mark.parametrize("status", ["TRAINING_IN_PROGRESS", "TRAINING_FAILED", "DELETING"])
def test_an_adapter_that_cannot_answer_is_refused(server, arn, pictures, tmp_path, status):
    rekognition = server.client(config=ONCE)
    server.set_status(arn, status)
    with pytest.raises(InputError, match=status):
        moderate(pictures, arn, tmp_path / "out", client=rekognition, **FAST)


def test_an_adapter_of_another_region_is_refused(rekognition, pictures, tmp_path):
    arn = "arn:aws:rekognition:eu-west-1:111122223333:project/p/version/v/1730000000001"
    with pytest.raises(InputError, match="--region eu-west-1"):
        moderate(pictures, arn, tmp_path / "out", client=rekognition)


class TestStopList:
    @pytest.fixture
    def known(self, tmp_path):
        path = tmp_path / "known.txt"
        path.write_text(md5((tmp_path / NAMES[1]).read_bytes()).hexdigest() + "\n")
        return path

    def test_what_is_on_it_is_blocked_and_nobody_is_asked(self, server, arn, pictures, known):
        out = known.parent / "out"
        listed, lenient = replace(pictures, stop_list=(str(known),)), Decisions.from_dict({"failed": "allow"})
        asking = {"client": server.client(config=ONCE), "decisions": lenient, "compare_base": True}
        result = moderate(listed, arn, out, **asking, **FAST)
        assert (result.on_stop_list, result.failed, result.counts["block"]) == (1, 0, 1)
        row = results(out)[1]
        assert (row["image"], row["decision"], row["failure"]["code"]) == (NAMES[1], "block", "on-stop-list")
        assert server.pictures.total() == 10  # five pictures, two models
        assert pictures.image(NAMES[1])["sha256"] not in server.pictures
        assert NAMES[1] not in (out / "moderation-output.manifest").read_text(encoding="utf-8")

    def test_the_command(self, server, arn, pictures, known, tmp_path):
        (tmp_path / "photos").mkdir()
        for name in NAMES:
            (tmp_path / name).rename(tmp_path / "photos" / name)
        words = [
            "moderate",
            tmp_path / "photos",
            "--adapter",
            arn,
            "--out",
            tmp_path / "out",
            "--stop-list",
            known,
            "--yes",
        ]
        done = CliRunner(env=server.environment).invoke(app, [*map(str, words), "--tps", "1000"])
        assert done.exit_code == 0, (done.output, done.exception)
        assert "stop list   1 blocked, and not asked about" in done.output
        assert server.pictures.total() == 5
