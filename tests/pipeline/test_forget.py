"""Forgetting: nothing of ours names or shows the image afterwards, and everything else is as it was."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

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
from manifest_tools.pipeline.split import split_folder
from manifest_tools.review.audit import export_audit
from manifest_tools.review.entries import ReviewedImage, Said
from manifest_tools.review.journal import ReviewJournal, merge_journal
from tests import ROOT
from tests.images.samples import encoded, photograph

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
    assert export_audit(folder, folder.parent / "audit.csv").problems == ()  # chained anew
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
    assert document["removed"]["cache_contents"] == 1
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


ODD = "photos/odd.webp"


@pytest.fixture
def derived(tmp_path):
    """A folder with copies: of two pictures, and one copy that two different files share."""
    place = tmp_path / "some" / "photos"
    place.mkdir(parents=True)
    (place / "odd.webp").write_bytes(encoded(photograph(160, 120, 1), "WEBP"))
    (place / "other.webp").write_bytes(encoded(photograph(160, 120, 2), "WEBP"))
    for name, colour in (("one.bmp", "BMP"), ("same.gif", "GIF")):
        (place / name).write_bytes(encoded(photograph(120, 120, 3).quantize(16).convert("RGB"), colour))
    for number in range(4):
        (place / f"plain {number}.jpg").write_bytes(encoded(photograph(160, 120, 10 + number)))
    rows = [
        f"photos/{path.name},{'Alcohol' if at % 2 else 'Safe'}" for at, path in enumerate(place.iterdir())
    ]
    (tmp_path / "labels.csv").write_text("file,labels\n" + "\n".join(rows) + "\n")
    prepare(
        tmp_path / "some",
        labels=tmp_path / "labels.csv",
        policy=Policy(min_false_positives=1, min_test_images=1, derive={"unusable": True}),
        to="s3://pictures/demo",
        out=tmp_path / "out",
        workers=1,
    )
    return tmp_path / "out"


def copy_of(out, image):
    row = Dataset.load(out).image(image)
    return row["derived_sha256"], out / "derived" / f"{row['derived_sha256']}.jpg"


class TestDerivedCopies:
    def test_the_copy_goes_and_the_receipt_names_it_by_hash(self, derived):
        sha256, path = copy_of(derived, ODD)
        key = f"{ODD}.{sha256[:12]}.jpg"
        others = {one: one.read_bytes() for one in path.parent.iterdir() if one != path}
        answers = [{"question": "q", "picture": name, "answer": {}} for name in (sha256, "0" * 64)]
        (derived / "predictions.journal").write_text("".join(json.dumps(one) + "\n" for one in answers))
        (derived / "old.manifest").write_text(json.dumps({"source-ref": f"s3://earlier/{key}"}) + "\n")
        assert path.is_file()
        assert key in (derived / "train.manifest").read_text() + (derived / "test.manifest").read_text()
        plan = plan_forget(derived, [ODD])
        assert plan.copies == (path.name,)
        done = apply_forget(plan)
        assert {one: one.read_bytes() for one in path.parent.iterdir()} == others
        assert done.receipt["copies"] == [{"content_sha256": sha256}]
        assert done.receipt["removed"]["copies"] == 1
        assert traces(derived, ODD, sha256[:12]) == [done.path.name]
        assert len((derived / "predictions.journal").read_text().splitlines()) == 1
        assert (derived / "old.manifest").read_text() == ""

    @pytest.mark.parametrize("moved", [0, 3])
    def test_killed_half_way_it_finishes(self, derived, monkeypatch, moved):
        sha256, path = copy_of(derived, ODD)
        real, count = Path.replace, 0

        def killed(self, target):
            nonlocal count
            if "committed" in str(self):
                if count == moved:
                    raise KeyboardInterrupt
                count += 1
            return real(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                apply_forget(plan_forget(derived, [ODD]))
        assert path.is_file()
        assert CliRunner().invoke(app, ["forget", ODD, "--from", str(derived), "--yes"]).exit_code == 0
        assert not path.exists()
        (receipt,) = derived.glob("forgotten-*.json")
        assert traces(derived, ODD, sha256[:12]) == [receipt.name]

    def test_a_copy_that_another_image_needs_stays_until_that_goes_too(self, derived):
        images = Dataset.load(derived).images.set_index("image")["derived_sha256"]
        shared = images["photos/one.bmp"]
        assert shared == images["photos/same.gif"]
        path = derived / "derived" / f"{shared}.png"
        plan = plan_forget(derived, ["photos/one.bmp"])
        assert plan.copies == ()
        apply_forget(plan)
        assert path.is_file()
        assert Dataset.load(derived).image("photos/same.gif")["derived_sha256"] == shared
        apply_forget(plan_forget(derived, [shared]))  # by the content of the copy
        assert not path.exists()
        assert "photos/same.gif" not in set(Dataset.load(derived).images["image"])

    def test_copies_in_another_folder_are_told_of(self, derived, tmp_path):
        split_folder(derived, out=tmp_path / "other")
        plan = plan_forget(tmp_path / "other", [ODD])
        assert plan.copies == ()
        assert any(f"--from {derived}" in text for text in plan.left)
        assert str(derived) not in json.dumps(apply_forget(plan).receipt)
        assert copy_of(derived, ODD)[1].is_file()


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
    assert any("publish puts new ones beside them" in text for text in plan.left)
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

    def test_a_run_folder_in_s3_is_refused_with_what_to_do(self):
        refused = self.run("a.jpg", "--from", "s3://bucket/run", "--yes")
        assert "remove it there as a whole" in str(refused.exception)

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
