"""Forgetting: nothing of ours names or shows the image afterwards, and everything else is as it was."""

from __future__ import annotations

import hashlib
import json
import shutil

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from manifest_tools.aws.publishing.apply import publish
from manifest_tools.cli import app
from manifest_tools.core.errors import InputError
from manifest_tools.core.output_folder import MANIFESTS
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Policy
from manifest_tools.images.cache import default_folder
from manifest_tools.pipeline.forget.folder import apply_forget, plan_forget
from manifest_tools.pipeline.forget.records import Names, scrub, scrub_file
from manifest_tools.pipeline.prepare import prepare
from manifest_tools.review.journal import ReviewedImage, ReviewJournal, Said, merge_journal
from tests import ROOT

SAMPLE = ROOT / "sample_data"
WHO = "animals/beagle.jpg"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(SAMPLE / "images", tmp_path / "photos")
    prepare(
        tmp_path / "photos",
        labels=SAMPLE / "labels.csv",
        predictions=SAMPLE / "predictions.manifest",
        policy=Policy(targets=["Alcohol:false-positives"]),
        to="s3://pictures/demo",
        out=tmp_path / "out",
    )
    out = tmp_path / "out"
    sha256 = Dataset.load(out).image(WHO)["sha256"]
    journal = ReviewJournal.of(out)
    both = [ReviewedImage(WHO, sha256), ReviewedImage("animals/frog.png")]
    journal.append("ann", images=both, answers=[Said("Alcohol", False)])
    journal.append("ann", images=both[:1], answers=[Said("Gambling", False)])
    shutil.copy(SAMPLE / "predictions.manifest", out)
    records = [
        {"question": "q", "picture": name, "answer": {}} for name in (sha256, "0" * 64, f"12 34 {WHO}")
    ]
    (out / "predictions.journal").write_text("".join(json.dumps(record) + "\n" for record in records))
    (out / "images.csv").write_text(f"image,bytes\n{WHO},1\nanimals/frog.png,2\n")
    return out


def traces(out, *names):
    """Return the files that hold one of the names, or the same in JSON."""
    return [
        path.name
        for path in [*out.rglob("*"), *default_folder().glob("*")]
        if path.is_file() and any(name.encode() in path.read_bytes() for name in names)
    ]


def test_no_trace_is_left_and_the_rest_stays(folder):
    before = Dataset.load(folder)
    sha256 = before.image(WHO)["sha256"]
    lines = {name: (folder / name).read_bytes().splitlines() for name in MANIFESTS}
    assert len(traces(folder, WHO, sha256)) >= 6
    plan = plan_forget(folder, [WHO])
    assert {"train.manifest", "test.manifest"} & set(plan.files)
    assert any("files of yours" in text for text in plan.left)
    done = apply_forget(plan)
    receipt = done.path.name
    assert traces(folder, WHO) == []
    assert traces(folder, sha256) == [receipt]
    after = merge_journal(folder)
    assert set(before.images["image"]) - set(after.images["image"]) == {WHO}
    assert after.image("animals/frog.png")["labels"]
    assert [entry.images[0].image for entry in ReviewJournal.of(folder).entries] == ["animals/frog.png"]
    for name in MANIFESTS:
        assert (folder / name).read_bytes().splitlines() == [
            line for line in lines[name] if WHO.encode() not in line
        ]
    assert len((folder / "predictions.journal").read_text().splitlines()) == 1
    document = json.loads(done.path.read_text())
    assert document["images"] == [
        {"key_sha256": hashlib.sha256(WHO.encode()).hexdigest(), "content_sha256": sha256}
    ]
    assert document["removed"]["dataset"] == 1
    assert document["removed"]["cache_rows"] >= 1
    assert json.loads((folder / "report.json").read_text())["facts"]["images"]["found"] == len(after)

    again = plan_forget(folder, [WHO])
    assert not len(again.images)
    assert not again.files


def test_copies_go_with_it_and_groups_keep_a_name(folder):
    images = Dataset.load(folder).images
    several = images[images["group"].duplicated(keep=False) & (images["group"] == images["image"])]
    leader = several["image"].iloc[0]
    apply_forget(plan_forget(folder, [leader]))
    after = Dataset.load(folder).images
    assert leader not in set(after["group"])
    assert set(after["group"]) <= set(after["image"])


def test_killed_half_way_it_finishes(folder, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    plan = plan_forget(folder, [WHO])
    with monkeypatch.context() as patch:
        patch.setattr("manifest_tools.pipeline.forget.folder._rewrite", killed)
        with pytest.raises(KeyboardInterrupt):
            apply_forget(plan)
    assert WHO in set(Dataset.load(folder).images["image"])
    apply_forget(plan_forget(folder, [WHO]))
    assert traces(folder, WHO) == []


@mock_aws
def test_the_bucket_with_versions_markers_and_locks(folder):
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    client.create_bucket(Bucket="pictures", ObjectLockEnabledForBucket=True)
    assert publish(folder, client=client).passed
    key = f"demo/{WHO}"
    client.put_object(Bucket="pictures", Key=f"{key}.other", Body=b"innocent")
    locked = client.put_object(Bucket="pictures", Key=key, Body=b"newer")["VersionId"]
    client.put_object_legal_hold(Bucket="pictures", Key=key, VersionId=locked, LegalHold={"Status": "ON"})
    client.delete_object(Bucket="pictures", Key=key)
    plan = plan_forget(folder, [WHO], client=client)
    assert [item.marker for item in plan.versions].count(True) == 1
    assert len(plan.versions) == 3
    assert any("publish --replace" in text for text in plan.left)
    done = apply_forget(plan, client=client)
    if done.kept:  # as a server does that keeps legal holds
        assert [(one.version.version, one.reason) for one in done.kept] == [
            (locked, "Object Lock: legal hold")
        ]
        assert "legal hold" in json.dumps(done.receipt["left"])
    listed = client.list_object_versions(Bucket="pictures", Prefix=key)
    left = [item["VersionId"] for item in listed.get("Versions", ()) if item["Key"] == key]
    assert left == [one.version.version for one in done.kept]
    assert not listed.get("DeleteMarkers")
    assert client.get_object(Bucket="pictures", Key=f"{key}.other")["Body"].read() == b"innocent"


class TestCommand:
    def run(self, *words):
        return CliRunner().invoke(app, ["forget", *words])

    def test_plan_then_yes(self, folder, tmp_path):
        (tmp_path / "list.txt").write_text(f"{WHO}\n\n")
        words = ["--file", str(tmp_path / "list.txt"), "--from", str(folder)]
        shown = self.run(*words, "--dry-run")
        assert "train.manifest" in shown.stdout or "test.manifest" in shown.stdout
        assert traces(folder, WHO)
        with_nobody = self.run(*words)
        assert isinstance(with_nobody.exception, InputError)
        assert traces(folder, WHO)
        assert self.run(*words, "--yes").exit_code == 0
        assert traces(folder, WHO) == []
        again = self.run(*words, "--yes")
        assert (again.exit_code, again.stdout) == (0, "nothing of them is there\n")

    @pytest.mark.parametrize("words", [[], ["a.jpg", "--file", "b"]])
    def test_it_wants_images_in_one_way(self, words):
        assert "say which images" in str(self.run(*words).exception)


def test_records_of_others_stay_byte_for_byte(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"image":  "b.jpg"}\n{"image": "a.jpg"}\nno json\n')
    assert scrub_file(path, Names(frozenset({"a.jpg"}))) == (b'{"image":  "b.jpg"}\nno json\n', 1)
    assert scrub_file(path, Names(frozenset({"c.jpg"}))) is None
    assert scrub(
        {"labels": ["Alcohol"], "gone": {"train": ["Alcohol", "b"]}}, Names(frozenset({"Alcohol"}))
    ) == {
        "labels": ["Alcohol"],
        "gone": {"train": ["b"]},
    }


def test_an_address_is_that_of_the_longest_key_it_ends_with():
    names = Names(frozenset({"a.jpg"}), frozenset({"x/a.jpg"}))
    assert names.cover("s3://old/place/a.jpg")
    assert not names.cover("s3://old/place/x/a.jpg")
    assert not names.cover("s3://old/place/b.jpg")
