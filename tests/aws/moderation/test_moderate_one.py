"""One image at a time gives the decisions of `moderate`, and every way to fail ends in a decision or a sentence."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from functools import partial
from types import SimpleNamespace
from urllib.parse import quote_plus

import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from manifest_tools import aws
from manifest_tools.aws.moderation import moderate_one as module
from manifest_tools.aws.moderation.decision_policy import Decisions
from manifest_tools.aws.moderation.moderate_one import moderate_one
from manifest_tools.aws.prediction import payload
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.images.stop_list.reading import read_stop_list
from manifest_tools.sources.reading import read_images
from manifest_tools.testing import Faults, fault_proxy, local_rekognition, local_s3
from tests import ROOT

ONCE = Config(retries={"total_max_attempts": 1})
JPEG = b"\xff\xd8\xff"
STRICT = Decisions.from_dict({"failed": "block", "labels": {"Violence": {"block": 80, "review": 50}}})


def answer(picture):
    return {"Weapon Violence": 90.0} if picture.content[-1:] == b"!" else {}


def away(**_):
    raise EndpointConnectionError(endpoint_url="https://away")


@pytest.fixture(scope="module")
def store():
    with local_s3(buckets=["uploads"]) as running:
        yield running


@pytest.fixture
def server(store):
    with local_rekognition(s3=store, answer=answer) as running:
        yield running


@pytest.fixture
def client(server):
    return server.client(config=ONCE)


@pytest.fixture
def arn(server, make_adapter):
    return make_adapter(server)


def test_it_decides_what_moderate_decides(client, arn, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    contents = {f"{n}.jpg": JPEG + bytes([n]) + (b"!" if n % 2 else b"") for n in range(4)}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    aws.moderate(read_images(folder), arn, tmp_path / "out", client=client, decisions=STRICT, tps=5000)
    lines = [json.loads(line) for line in (tmp_path / "out/moderation.jsonl").read_text().splitlines()]
    ones = [moderate_one(contents[line["image"]], arn, STRICT, client=client) for line in lines]
    assert [{"image": line["image"], **one.to_dict()} for line, one in zip(lines, ones, strict=True)] == lines
    assert [str(one.decision) for one in ones] == ["allow", "block"] * 2


def test_an_object_is_asked_about_where_it_is(server, store, client, arn):
    store.client().put_object(Bucket="uploads", Key="a b/ü#%.jpg", Body=JPEG + b"!")
    decided = moderate_one("s3://uploads/a b/ü#%.jpg", arn, client=client)
    assert (str(decided.decision), decided.reasons[0].label) == ("review", "Violence")
    assert server.pictures["s3://uploads/a b/ü#%.jpg"] == 1


def test_the_status_is_looked_at_once_for_each_client_and_hour(server, client, arn, monkeypatch):
    for _ in range(3):
        moderate_one(JPEG, arn, client=client)
    assert server.calls["DescribeProjectVersions"] == 1
    monkeypatch.setattr(module, "_LOOK_AGAIN", -1.0)
    moderate_one(JPEG, arn, client=client)
    assert server.calls["DescribeProjectVersions"] == 2


def test_an_expired_adapter_ends_in_the_stated_action_without_a_paid_call(server, client, arn):
    server.set_status(arn, "EXPIRED")
    decided = moderate_one(JPEG, arn, STRICT, client=client)
    assert (str(decided.decision), decided.failure.code, decided.passed) == (
        "block",
        "adapter-expired",
        False,
    )
    assert not server.pictures


def test_an_adapter_that_expires_later_is_noticed_by_its_answer(server, client, arn):
    assert moderate_one(JPEG, arn, STRICT, client=client).passed
    server.set_status(arn, "EXPIRED")
    decided = moderate_one(JPEG, arn, STRICT, client=client)
    assert (str(decided.decision), decided.failure.code, decided.passed) == (
        "block",
        "adapter-ignored",
        False,
    )
    assert [found["code"] for found in decided.to_dict()["findings"]] == ["adapter-ignored"]


def test_a_deprecated_adapter_decides_and_is_told(server, client, arn):
    server.set_base_model("8.0")
    decided = moderate_one(JPEG + b"!", arn, STRICT, client=client)
    assert str(decided.decision) == "block"
    assert decided.passed
    assert [found.code for found in decided.findings] == ["adapter-expired", "base-model-changed"]


@pytest.mark.parametrize(
    ("image", "code", "calls"),
    [
        (b"", "unreadable", 0),
        (b"%PDF-1.7", "unsuitable", 0),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "unsuitable", 0),
        (JPEG + bytes(5_242_880), "unreadable", 0),  # too large for a call, and no way through S3
        (b"\x01\x02 no picture", "InvalidImageFormatException", 1),
        ("s3://uploads/nothing-there.jpg", "InvalidS3ObjectException", 1),
    ],
    ids=["empty", "pdf", "webp", "large", "strange", "no object"],
)
def test_an_image_without_an_answer_gets_the_stated_action(server, client, arn, image, code, calls):  # noqa: PLR0917
    decided = moderate_one(image, arn, STRICT, client=client)
    assert (str(decided.decision), decided.failure.code, decided.passed) == ("block", code, True)
    assert server.calls["DetectModerationLabels"] <= calls
    assert decided.to_dict() == {
        "decision": "block",
        "failure": {"code": code, "message": decided.failure.message},
    }


def test_known_images_are_blocked_and_nobody_is_asked(server, store, client, arn, tmp_path):
    (tmp_path / "known.txt").write_text(f"{hashlib.md5(JPEG).hexdigest()}\n")
    known = read_stop_list([tmp_path / "known.txt"])
    s3 = store.client()
    for name, content in {"known.jpg": JPEG, "other.jpg": JPEG + b"."}.items():
        s3.put_object(Bucket="uploads", Key=name, Body=content)
    ask = partial(moderate_one, adapter=arn, client=client, s3_client=s3, stop_list=known)
    for image in (JPEG, "s3://uploads/known.jpg"):
        assert (str(ask(image).decision), ask(image).failure.code) == ("block", "on-stop-list")
    gone = ask("s3://uploads/nothing-there.jpg", decisions=STRICT)
    assert (str(gone.decision), gone.failure.code) == ("block", "unreadable")
    assert (
        ask("s3://uploads/other.jpg", s3_client=SimpleNamespace(get_object=away)).failure.code
        == "unavailable"
    )
    assert not server.calls["DetectModerationLabels"]
    assert str(ask(JPEG + b".").decision) == str(ask("s3://uploads/other.jpg").decision) == "allow"


def test_large_bytes_go_through_s3(store, client, arn, monkeypatch):
    monkeypatch.setattr(payload, "MAX_BYTES_IN_CALL", 4)
    s3 = store.client()
    decided = moderate_one(JPEG + b"..!", arn, client=client, s3_client=s3, staging="s3://uploads/tmp")
    assert str(decided.decision) == "review"
    assert "Contents" not in s3.list_objects_v2(Bucket="uploads", Prefix="tmp/")


def test_failures_in_passing_are_asked_again_and_an_outage_ends_in_the_stated_action(server, arn):
    with fault_proxy(server.url, Faults(errors=0.2)) as proxy:
        shaky = server.client(url=proxy.url, config=ONCE)
        assert [str(moderate_one(JPEG, arn, client=shaky).decision) for _ in range(5)] == ["allow"] * 5
    with fault_proxy(server.url, Faults(errors=1.0)) as proxy:
        down = server.client(url=proxy.url, config=ONCE)
        decided = moderate_one(JPEG, arn, STRICT, client=down, patience=0.2)
    assert (str(decided.decision), decided.failure.code, decided.passed) == ("block", "unavailable", True)


def test_what_no_image_could_change_is_raised(server, client, arn):
    other = arn.replace("us-east-1", "eu-west-1")
    with pytest.raises(InputError, match="--region eu-west-1"):
        moderate_one(JPEG, other, client=client)
    with pytest.raises(InputError, match="there is no adapter"):
        moderate_one(JPEG, arn + "1", client=client)
    for strange in ("picture.jpg", "s3://uploads/", 7):
        with pytest.raises(InputError, match="as bytes, or s3://bucket/key"):
            moderate_one(strange, arn, client=client)
    server.set_status(arn, "TRAINING_IN_PROGRESS")
    with pytest.raises(InputError, match="TRAINING_IN_PROGRESS"):
        moderate_one(JPEG, arn, client=server.client(config=ONCE))


def test_an_adapter_that_is_gone_is_raised(client, arn):
    assert moderate_one(JPEG, arn, client=client).passed
    client.delete_project_version(ProjectVersionArn=arn)
    with pytest.raises(RemoteError, match="no such project or adapter"):
        moderate_one(JPEG, arn, client=client)


COLD = """
import sys, time
from manifest_tools import aws
decisions = aws.Decisions.from_toml(sys.argv[2])
decided = aws.moderate_one(b"\\xff\\xd8\\xff!", sys.argv[1], decisions)
print(time.process_time(), decided.decision, *sorted({"pandas", "numpy", "pyarrow"} & set(sys.modules)))
"""


def test_a_cold_start_loads_no_tables_and_takes_less_than_half_a_second(server, arn, tmp_path):
    """Of the processor's time, with the interpreter's start: other work on the machine does not count."""
    (tmp_path / "decisions.toml").write_text('[labels]\n"Violence" = { block = 80 }\n')
    command = [sys.executable, "-c", COLD, arn, str(tmp_path / "decisions.toml")]
    environment = {**server.environment, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    took, *told = done.stdout.split()
    assert told == ["block"]
    assert float(took) < 0.5


def event(*keys):
    """What S3 sends: the keys are quoted, and blanks are plus signs."""
    records = [{"s3": {"bucket": {"name": "uploads"}, "object": {"key": quote_plus(key)}}} for key in keys]
    return {"Records": records}


def test_the_example_handler_tags_what_arrives(server, store, arn, tmp_path, monkeypatch, capsys):  # noqa: PLR0917
    (tmp_path / "decisions.toml").write_text('failed = "review"\n[labels]\n"Violence" = { block = 80 }\n')
    settings = {"ADAPTER": arn, "DECISIONS": str(tmp_path / "decisions.toml")}
    for name, value in {**store.environment, **server.environment, **settings}.items():
        monkeypatch.setenv(name, value)
    module._client.cache_clear()
    spec = importlib.util.spec_from_file_location("example", ROOT / "docs/examples/moderate_uploads.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    s3 = store.client()
    contents = {"new/a b+ü.jpg": JPEG, "new/bad.jpg": JPEG + b"!", "new/notes.txt": b"no picture"}
    for key, content in contents.items():
        s3.put_object(Bucket="uploads", Key=key, Body=content, Tagging="owner=me&moderation=stale")
    assert [told["decision"] for told in example.handler(event(*contents), None)] == [
        "allow",
        "block",
        "review",
    ]
    module._client.cache_clear()
    tags = [s3.get_object_tagging(Bucket="uploads", Key=key)["TagSet"] for key in contents]
    assert [{tag["Key"]: tag["Value"] for tag in found} for found in tags] == [
        {"owner": "me", "moderation": decision} for decision in ("allow", "block", "review")
    ]
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["passed"] for line in logged] == [True] * 3
    assert example.handler({"Event": "s3:TestEvent"}, None) == []
