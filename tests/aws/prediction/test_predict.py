from __future__ import annotations

import json
import logging
import tempfile
import threading
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path

import boto3
import pandas as pd
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from benchmarks.predict_killed import kill_repeatedly
from manifest_tools.aws.prediction import distributed, retries
from manifest_tools.aws.prediction.answer_journal import answer_journal
from manifest_tools.aws.prediction.payload import MAX_BYTES_IN_CALL, Sender
from manifest_tools.aws.prediction.predict import (
    pictures_of,
    plan_predictions,
    predict_labels,
)
from manifest_tools.aws.prediction.question import AdapterIgnoredError, Question
from manifest_tools.aws.prediction.rate_limit import RateLimiter
from manifest_tools.aws.prediction.request_loop import ask
from manifest_tools.aws.quotas import default_tps
from manifest_tools.cli.asking import answers_stay
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.manifests.reading import read_predictions
from manifest_tools.parallel.executors import SerialExecutor
from manifest_tools.testing import Faults, fault_proxy, local_rekognition

JPEG = b"\xff\xd8\xff\xe0"
ODD = ["plain.jpg", "a b/50% #1+2.jpg", "ünï/画像.png", "line\nbreak.jpg", "quote'\".jpg"]
ONCE = Config(retries={"total_max_attempts": 1}, max_pool_connections=64)
FAST = 5000.0


def answer(picture):
    return {"Weapon Violence": 40 + picture.content[-1] % 50} if picture.content[-1] % 2 else {}


def dataset_of(folder, names, *, size=0, **members):
    rows = []
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = JPEG + bytes(size) + bytes([number // 256, number % 256])
        path.write_bytes(content)
        digest = sha256(content).hexdigest()
        rows.append({"image": name, "bytes": len(content), "sha256": digest, "format": "JPEG"})
    return Dataset.from_tables(pd.DataFrame(rows), root=str(folder), **members)


@pytest.fixture(scope="module")
def server():
    with local_rekognition(answer=answer) as running:
        yield running


@pytest.fixture(scope="module")
def rekognition(server):
    return server.client(config=ONCE)


@pytest.fixture
def pictures(tmp_path):
    return dataset_of(tmp_path / "images", ODD)


def lines(out):
    return [json.loads(line) for line in (out / "predictions.manifest").read_bytes().splitlines()]


def summary(out):
    return json.loads((out / "predictions-summary.json").read_bytes())


def test_answers_become_scores_a_manifest_and_a_summary(rekognition, pictures, tmp_path):
    answered = predict_labels(pictures, tmp_path / "out", client=rekognition, tps=FAST)
    assert set(answered.images["predicted"]) == {"7.0"}
    assert set(answered.images["min_confidence"]) == {5.0}
    scores = answered.labels[answered.labels["source"] == "predictions"]
    assert set(scores["label"]) == {"Violence", "Graphic Violence", "Weapon Violence"}
    assert scores["truth"].isna().all()
    written = lines(tmp_path / "out")
    assert [line["source-ref"] for line in written] == sorted(ODD)
    assert summary(tmp_path / "out")["statistics"]["valid-json-lines"] == len(ODD)
    again = read_predictions(tmp_path / "out" / "predictions.manifest", min_confidence=5)
    assert list(again.images["image"]) == sorted(ODD)


def test_nothing_is_asked_twice(server, rekognition, pictures, tmp_path):
    first = predict_labels(pictures, tmp_path, client=rekognition, tps=FAST)
    manifest = (tmp_path / "predictions.manifest").read_bytes()
    before = server.pictures.total()
    second = predict_labels(pictures, tmp_path, client=rekognition, tps=FAST)
    assert server.pictures.total() == before
    assert (tmp_path / "predictions.manifest").read_bytes() == manifest
    assert second.fingerprint() == first.fingerprint()
    predict_labels(pictures, tmp_path, client=rekognition, tps=FAST, fresh=True)
    assert server.pictures.total() == before + len(ODD)


def test_another_question_gets_answers_of_its_own(server, rekognition, pictures, tmp_path):
    predict_labels(pictures, tmp_path, client=rekognition, tps=FAST)
    before = server.pictures.total()
    answered = predict_labels(pictures, tmp_path, client=rekognition, tps=FAST, min_confidence=80)
    assert server.pictures.total() == before + len(ODD)
    assert set(answered.images["min_confidence"]) == {80.0}


def test_copies_are_asked_about_once(server, rekognition, tmp_path):
    dataset = dataset_of(tmp_path, ["a.jpg", "b.jpg"])
    (tmp_path / "copy.jpg").write_bytes((tmp_path / "b.jpg").read_bytes())
    copy = dataset.images[dataset.images["image"] == "b.jpg"].assign(image="copy.jpg")
    dataset = Dataset.from_tables(pd.concat([dataset.images, copy]), root=str(tmp_path))
    server.pictures.clear()
    answered = predict_labels(dataset, tmp_path / "out", client=rekognition, tps=FAST)
    assert set(server.pictures.values()) == {1}
    assert answered.images["predicted"].tolist() == ["7.0"] * 3
    assert len(lines(tmp_path / "out")) == 3


def test_unsuitable_images_are_listed_and_not_asked_about(server, rekognition, pictures, tmp_path):
    images = pictures.images.assign(
        format=["GIF", "JPEG", "JPEG", "JPEG", "JPEG"],
        decode_error=["", "truncated: end of file", "missing", "", ""],
        bytes=[10, 10, 10, 16 * 1024 * 1024, 10],
    )
    server.pictures.clear()
    dataset = Dataset.from_tables(images, root=pictures.root)
    answered = predict_labels(dataset, tmp_path / "out", client=rekognition, tps=FAST)
    assert len(server.pictures) == 2  # what is merely truncated is for the service to judge
    errors = summary(tmp_path / "out")["errors"]
    assert [error["code"] for error in errors] == ["unsuitable"] * 3
    assert (answered.images["predicted"] == "").sum() == 3


def test_images_that_fail_are_in_the_summary_with_the_reason(rekognition, pictures, tmp_path):
    (tmp_path / "images" / "plain.jpg").unlink()
    (tmp_path / "images" / ODD[1]).write_bytes(b"GIF89a")
    (tmp_path / "images" / ODD[2]).write_bytes(b"")
    (tmp_path / "images" / ODD[3]).write_bytes(JPEG + b"another picture")
    unhashed = pictures.images["sha256"].where(pictures.images["image"] != ODD[1], "")
    dataset = Dataset.from_tables(pictures.images.assign(sha256=unhashed), root=pictures.root)
    predict_labels(dataset, tmp_path / "out", client=rekognition, tps=FAST)
    errors = {error["source-ref"]: error for error in summary(tmp_path / "out")["errors"]}
    assert {reference: error["code"] for reference, error in errors.items()} == {
        "plain.jpg": "unreadable",
        ODD[1]: "InvalidImageFormatException",
        ODD[2]: "unreadable",
        ODD[3]: "unreadable",
    }
    assert "changed since it was inspected" in errors[ODD[3]]["message"]


def test_a_file_that_changed_is_asked_about_again(server, rekognition, tmp_path):
    dataset = dataset_of(tmp_path, ["a.jpg", "b.jpg"])
    dataset = Dataset.from_tables(dataset.images.assign(sha256=""), root=str(tmp_path))
    predict_labels(dataset, tmp_path / "out", client=rekognition, tps=FAST)
    before = server.pictures.total()
    (tmp_path / "a.jpg").write_bytes(JPEG + b"\x07\x07")  # as many bytes as before
    predict_labels(dataset, tmp_path / "out", client=rekognition, tps=FAST)
    assert server.pictures.total() == before + 1


def test_faults_lose_nothing(server, tmp_path):
    dataset = dataset_of(tmp_path, [f"{n}.jpg" for n in range(150)])
    faults = Faults(errors=0.05, resets=0.02, cuts=0.02, lost_replies=0.02, status=500)
    with fault_proxy(server.url, faults) as proxy:
        client = server.client(url=proxy.url, config=ONCE)
        answered = predict_labels(dataset, tmp_path / "out", client=client, tps=FAST)
        assert min(proxy.counts["errors"], proxy.counts["resets"] + proxy.counts["cuts"]) > 0
    assert (answered.images["predicted"] == "7.0").all()
    assert summary(tmp_path / "out")["errors"] == []


def test_a_rate_lower_than_told_loses_nothing(tmp_path):
    dataset = dataset_of(tmp_path, [f"{n}.jpg" for n in range(60)])
    with local_rekognition(tps=40) as server:
        answered = predict_labels(dataset, tmp_path / "out", client=server.client(config=ONCE), tps=200)
        assert server.calls["refused"] > 0
    assert (answered.images["predicted"] == "7.0").all()


def test_an_image_that_always_fails_is_listed_and_asked_about_next_time(server, tmp_path, monkeypatch):
    monkeypatch.setattr(retries, "_FIRST_DELAY", 0.001)
    dataset = dataset_of(tmp_path, [f"{n}.jpg" for n in range(3)])
    unlucky = iter([False])
    with fault_proxy(
        server.url, Faults(errors=1.0, status=500), only=lambda *_: next(unlucky, True)
    ) as proxy:
        client = server.client(url=proxy.url, config=ONCE)
        predict_labels(dataset, tmp_path / "out", client=client, tps=FAST)
        assert {e["code"] for e in summary(tmp_path / "out")["errors"]} == {"InternalServerError"}
        assert len(lines(tmp_path / "out")) == 1
        proxy.faults = Faults()
        predict_labels(dataset, tmp_path / "out", client=client, tps=FAST)
    assert summary(tmp_path / "out")["errors"] == []


def test_a_service_that_never_answers_ends_the_run(server, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(retries, "_FIRST_DELAY", 0.001)
    with fault_proxy(server.url, Faults(resets=1.0)) as proxy:
        client = server.client(url=proxy.url, config=ONCE)
        with pytest.raises(RemoteError, match="Asking about"):
            predict_labels(pictures, tmp_path, client=client, tps=FAST)
        assert 8 <= proxy.counts["requests"] <= 8 * len(ODD)


class DeniedAfter:
    """A client whose rights end after some calls."""

    def __init__(self, client, calls):
        self.meta = client.meta
        self._client = client
        self._left = iter(range(calls))

    def detect_moderation_labels(self, **parameters):
        if next(self._left, None) is None:
            error = {"Code": "AccessDeniedException", "Message": "not allowed"}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, "Detect")
        return self._client.detect_moderation_labels(**parameters)


def test_what_was_answered_before_a_fatal_error_is_kept(server, rekognition, tmp_path):
    dataset = dataset_of(tmp_path, [f"{n}.jpg" for n in range(30)])
    with pytest.raises(RemoteError, match="permission denied"):
        predict_labels(dataset, tmp_path / "out", client=DeniedAfter(rekognition, 10), tps=FAST)
    server.pictures.clear()
    predict_labels(dataset, tmp_path / "out", client=rekognition, tps=FAST)
    assert sum(server.pictures.values()) == 20


def test_wrong_credentials_end_the_run_after_one_call(server, pictures, tmp_path):
    client = boto3.client(
        "rekognition",
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id="nobody",
        aws_secret_access_key="hushhush",
    )
    with pytest.raises(RemoteError, match="access key is not known") as caught:
        predict_labels(pictures, tmp_path, client=client, tps=FAST)
    assert "hushhush" not in str(caught.value)


def test_a_fault_of_the_whole_run_is_not_blamed_on_every_image(rekognition):
    """Every S3 image refused: the bucket is out of reach, so asking stops early."""
    names = [f"s3://elsewhere/{n}.jpg" for n in range(300)]
    dataset = Dataset.from_tables(pd.DataFrame({"image": names, "uri": names, "bytes": 100}))
    with pytest.raises(RemoteError, match="cannot read the S3 object"):
        run(dataset, rekognition)


def run(dataset, client, question=None):
    with tempfile.TemporaryDirectory() as folder, answer_journal(Path(folder) / "j") as journal:
        return ask(
            pictures_of(dataset)[0],
            question or Question(),
            client=client,
            sender=Sender(),
            journal=journal,
            limiter=RateLimiter(FAST),
            workers=4,
        )


def test_an_adapters_answers_are_not_the_base_models(server, rekognition, make_adapter, pictures, tmp_path):
    arn = make_adapter(server, "asked")
    answered = predict_labels(pictures, tmp_path, client=rekognition, tps=FAST, adapter=arn)
    assert answered is pictures
    assert {line["detect-moderation-labels"]["ProjectVersion"] for line in lines(tmp_path)} == {arn}


def test_an_expired_adapter_is_noticed_with_the_first_answer(
    server, rekognition, make_adapter, pictures, tmp_path
):
    arn = make_adapter(server, "gone")
    server.set_status(arn, "EXPIRED")
    before = server.pictures.total()
    with pytest.raises(AdapterIgnoredError, match="base model answered instead"):
        predict_labels(pictures, tmp_path, client=rekognition, tps=FAST, adapter=arn)
    assert server.pictures.total() == before + 1
    assert (tmp_path / "predictions.journal").read_bytes() == b""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"min_confidence": 101}, "min_confidence is 101"),
        ({"adapter": "arn:aws:rekognition:us-east-1:none"}, "ProjectVersion is"),
        ({"tps": 0}, "tps is 0"),
    ],
)
def test_malformed_questions_are_refused_before_any_call(server, pictures, tmp_path, options, told):
    rekognition = server.client(config=ONCE)
    before = server.pictures.total()
    with pytest.raises(InputError, match=told):
        predict_labels(pictures, tmp_path, client=rekognition, **{"tps": FAST, **options})
    assert server.pictures.total() == before


def test_nothing_to_ask_about_is_said(rekognition, tmp_path):
    with pytest.raises(InputError, match="no image to ask about"):
        predict_labels(Dataset.from_tables(pd.DataFrame({"image": []})), tmp_path, client=rekognition)


def test_large_files_need_a_way_through_s3(rekognition, tmp_path):
    dataset = dataset_of(tmp_path, ["large.jpg"], size=MAX_BYTES_IN_CALL)
    with pytest.raises(InputError, match="--staging"):
        predict_labels(dataset, tmp_path / "out", client=rekognition, tps=FAST)


def test_large_files_go_through_s3_and_leave_nothing_there(s3, prefix, tmp_path):
    dataset = dataset_of(tmp_path, ["large.jpg", "larger.jpg"], size=MAX_BYTES_IN_CALL)
    (tmp_path / "small.jpg").write_bytes(JPEG + b"\x01")
    with local_rekognition(s3=s3, answer=answer) as server:
        client = server.client(config=ONCE)
        answered = predict_labels(
            dataset, tmp_path / "out", client=client, s3_client=s3.client(), tps=FAST, staging=prefix
        )
        assert all(name.startswith(prefix) for name in server.pictures)
    assert (answered.images["predicted"] == "7.0").all()
    _, key = prefix.removeprefix("s3://").split("/", 1)
    assert s3.client().list_objects_v2(Bucket="pictures", Prefix=key)["KeyCount"] == 0


def test_images_in_s3_are_read_there_by_the_service(s3, prefix, tmp_path):
    _, key = prefix.removeprefix("s3://").split("/", 1)
    names = [f"{prefix}/{name}" for name in ODD]
    for number, name in enumerate(ODD):
        s3.client().put_object(Bucket="pictures", Key=f"{key}/{name}", Body=JPEG + bytes([number]))
    dataset = Dataset.from_tables(pd.DataFrame({"image": names, "uri": names, "bytes": 5}))
    with local_rekognition(s3=s3, answer=answer) as server:
        answered = predict_labels(dataset, tmp_path, client=server.client(config=ONCE), tps=FAST)
        assert server.pictures == Counter(names)
    assert (answered.images["predicted"] == "7.0").all()


def test_the_plan_counts_what_is_left_to_do(rekognition, pictures, tmp_path):
    plan = plan_predictions(pictures, tmp_path, tps=2, price=1.5)
    assert (plan.images, plan.to_ask, plan.answered, plan.seconds) == (5, 5, 0, 2.5)
    assert plan.cost == pytest.approx(5 * 1.5 / 1000)
    predict_labels(pictures, tmp_path, client=rekognition, tps=FAST)
    plan = plan_predictions(pictures, tmp_path, region="eu-west-1")
    assert (plan.to_ask, plan.answered, plan.cost) == (0, 5, None)
    assert plan_predictions(pictures, tmp_path, fresh=True).to_ask == 5


def test_the_plan_says_what_goes_through_s3(tmp_path):
    dataset = dataset_of(tmp_path, ["large.jpg"], size=MAX_BYTES_IN_CALL)
    plan = plan_predictions(dataset, tmp_path)
    assert (plan.staged, plan.staged_bytes) == (1, MAX_BYTES_IN_CALL + 6)


@pytest.mark.parametrize(("region", "rate"), [("us-east-1", 50), ("eu-central-1", 5), (None, 5)])
def test_the_rate_is_the_regions(region, rate):
    assert default_tps(region) == rate


def test_progress_ends_at_the_total(rekognition, pictures, tmp_path):
    seen = []
    predict_labels(
        pictures,
        tmp_path,
        client=rekognition,
        tps=FAST,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (5, 5)
    assert seen == sorted(seen)


def test_interrupting_keeps_what_was_answered(server, rekognition, tmp_path):
    dataset = dataset_of(tmp_path, [f"{n}.jpg" for n in range(40)])

    def interrupt(done, total):
        if done >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_labels(dataset, tmp_path / "out", client=rekognition, tps=200, workers=4, progress=interrupt)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ask")]
    server.pictures.clear()
    kept = (tmp_path / "out" / "predictions.journal").read_bytes().count(b"\n")
    predict_labels(dataset, tmp_path / "out", client=rekognition, tps=FAST)
    assert kept >= 5
    assert sum(server.pictures.values()) == 40 - kept


def test_a_run_that_begins_anew_keeps_the_earlier_answers_until_it_has_all(server, rekognition, tmp_path):
    dataset, out = dataset_of(tmp_path, [f"{n}.jpg" for n in range(12)]), tmp_path / "out"
    ask = partial(predict_labels, dataset, out, client=rekognition, tps=FAST)
    ask()
    before = (out / "predictions.journal").read_bytes()

    def interrupt(done, total):
        if done >= 4:
            raise KeyboardInterrupt

    server.pictures.clear()
    with pytest.raises(KeyboardInterrupt):
        ask(fresh=True, workers=2, progress=interrupt)
    begun = sum(server.pictures.values())
    assert (out / "predictions.journal").read_bytes() == before
    asked = {"adapter": "", "min_confidence": 5.0}
    said = answers_stay(out, "predictions.journal", [asked], fresh=True)
    assert said.startswith(
        f"{begun} paid answers kept, and the same command goes on; those of earlier runs count until"
    )
    plan = plan_predictions(dataset, out, fresh=True)
    assert (plan.replaced, plan.answered, plan.to_ask) == (12, begun, 12 - begun)
    assert plan_predictions(dataset, out).to_ask == 0  # the earlier answers are there
    ask(fresh=True, price=1.0, max_cost=0.002)
    assert (out / "predictions.journal").read_bytes() == before
    assert len((out / "predictions.manifest").read_bytes().splitlines()) == 12  # new and earlier ones
    ask(fresh=True)
    assert sum(server.pictures.values()) == 12  # none was paid for twice
    assert (out / "predictions.journal").read_bytes() != before
    assert not (out / "predictions-fresh.journal").exists()
    ask()
    assert sum(server.pictures.values()) == 12


def test_no_content_and_no_secret_reaches_a_log(server, pictures, tmp_path, caplog):
    caplog.set_level(logging.DEBUG, logger="manifest_tools")
    predict_labels(pictures, tmp_path, client=server.client(config=ONCE), tps=FAST)
    written = b"".join(path.read_bytes() for path in tmp_path.glob("predictions*"))
    assert server.credentials.secret_key.encode() not in written
    assert b"/9j/" not in written  # the beginning of every base64 JPEG
    assert server.credentials.secret_key not in caplog.text


@pytest.mark.slow
def test_killed_runs_end_like_an_undisturbed_one():
    outcome = kill_repeatedly(images=120, kills=4)
    assert outcome.different == 0
    assert outcome.asked_though_on_disk == 0


@pytest.fixture
def known_everywhere(server, monkeypatch):
    """Credentials for the workers of an executor."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "make", [SerialExecutor, lambda: ThreadPoolExecutor(3), lambda: ProcessPoolExecutor(2)]
)
def test_an_executor_gives_the_same_answers(tmp_path, rekognition, known_everywhere, make):
    dataset = dataset_of(tmp_path / "images", [f"{number}.jpg" for number in range(120)])
    here = predict_labels(dataset, tmp_path / "here", client=rekognition, tps=FAST)
    with make() as executor:
        there = predict_labels(dataset, tmp_path / "there", client=rekognition, tps=FAST, executor=executor)
    assert there.fingerprint() == here.fingerprint()
    assert lines(tmp_path / "there") == lines(tmp_path / "here")


def test_what_an_executor_was_told_is_not_asked_again(tmp_path, server, rekognition, known_everywhere):
    dataset = dataset_of(tmp_path / "images", [f"{number}.jpg" for number in range(60)])
    out = tmp_path / "out"
    with ThreadPoolExecutor(2) as executor:
        predict_labels(dataset, out, client=rekognition, tps=FAST, executor=executor)
        Path(out / "predictions.journal").write_bytes(
            b"".join(Path(out / "predictions.journal").read_bytes().splitlines(keepends=True)[:50])
        )
        seen = []
        predict_labels(
            dataset,
            out,
            client=rekognition,
            tps=FAST,
            executor=executor,
            progress=lambda *at: seen.append(at),
        )
    assert seen[-1] == (10, 10)
    assert summary(out)["statistics"]["valid-json-lines"] == 60


def test_a_refusal_on_a_worker_ends_the_run(tmp_path, server, rekognition, known_everywhere, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    distributed._client.cache_clear()
    dataset = dataset_of(tmp_path / "images", ["a.jpg", "b.jpg"])
    try:
        with ThreadPoolExecutor(1) as executor, pytest.raises(RemoteError, match="secret key does not fit"):
            predict_labels(dataset, tmp_path / "out", client=rekognition, tps=FAST, executor=executor)
    finally:
        distributed._client.cache_clear()
