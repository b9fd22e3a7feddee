"""The main job, from outside: manifests, what is left out, and that running it again converges."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from manifest_tools import prepare
from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.findings.policy import Policy, Target
from manifest_tools.pipeline.split import split_folder
from tests import ROOT
from tests.pictures import picture, save

TO = "s3://bucket/in"
FEW = Policy(min_false_positives=5)  # forty pictures cannot hold the real minimum


def manifest(path: Path) -> dict[str, list[str]]:
    """Return the labels of each source-ref, checking the layout on the way."""
    found = {}
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        assert list(line) == ["source-ref", "content-moderation-groundtruth"]
        entries = line["content-moderation-groundtruth"]["ModerationLabels"]
        assert all(list(entry) == ["Name"] for entry in entries)
        assert line["source-ref"] not in found
        found[line["source-ref"]] = [entry["Name"] for entry in entries]
    return found


def both(out: Path) -> dict[str, list[str]]:
    return manifest(out / "train.manifest") | manifest(out / "test.manifest")


@pytest.fixture
def folder(tmp_path):
    """Forty pictures: ten of alcohol, ten of violence, twenty safe."""
    rows = []
    for number in range(40):
        name = f"shop {number % 3}/picture {number:02}.{'png' if number % 4 == 0 else 'jpg'}"
        save(tmp_path / "images" / name, number)
        rows.append((name, "Alcohol" if number < 10 else "Violence" if number < 20 else "Safe"))
    pd.DataFrame(rows, columns=["file", "labels"]).to_csv(tmp_path / "labels.csv", index=False)
    return tmp_path


def run(folder: Path, out: str = "out", **options: object):
    options = {"workers": 1, "policy": FEW} | options
    return prepare(folder / "images", labels=folder / "labels.csv", to=TO, out=folder / out, **options)


def test_every_usable_image_stands_in_one_manifest_once(folder):
    dataset, report = run(folder)
    train, test = (manifest(folder / "out" / f"{side}.manifest") for side in ("train", "test"))
    assert not train.keys() & test.keys()
    assert len(train) + len(test) == 40
    assert (train | test)[f"{TO}/shop 0/picture 00.png"] == ["Alcohol"]
    assert len(test) == 20  # the least that the service asks for outranks the share
    assert len(dataset) == 40
    assert report.facts["readiness"]["state"] == "unknown"


def test_without_a_single_usable_image_the_report_says_so(folder):
    for path in (folder / "images").rglob("*.*"):
        path.write_bytes(path.read_bytes()[:300])
    _, report = run(folder)
    assert not report.passed
    assert both(folder / "out") == {}
    assert "None of the 40 images can be used" in (folder / "out" / "report.html").read_text(encoding="utf-8")


def test_what_cannot_be_used_is_left_out_whole_and_listed(folder):
    images = folder / "images"
    (images / "shop 0" / "picture 00.png").write_bytes(b"")
    (images / "shop 1" / "picture 01.jpg").write_bytes(
        (images / "shop 1" / "picture 01.jpg").read_bytes()[:900]
    )
    table = pd.read_csv(folder / "labels.csv")
    table.loc[2, "labels"] = "Alchohol"
    table.loc[3, "labels"] = "Violence;Alchohol"
    table.loc[4, "labels"] = ""
    table.to_csv(folder / "labels.csv", index=False)
    _, report = run(folder)
    written = both(folder / "out")
    for number in range(5):
        assert not any(f"picture {number:02}" in ref for ref in written)
    assert len(written) == 35
    codes = {finding.code for finding in report.findings if finding.left_out}
    assert {"image-empty", "image-truncated", "label-unknown", "image-unlabelled"} <= codes
    unknown = next(finding for finding in report.findings if finding.code == "label-unknown")
    assert unknown.location.line == 4
    assert unknown.data["suggestions"] == ["Alcohol"]
    assert report.passed


def test_an_unchecked_prediction_leaves_its_image_out_unless_it_is_kept(folder):
    path = folder / "predictions.csv"
    path.write_text("image,label,confidence\npicture 01.jpg,Gambling,80\npicture 02.jpg,Gambling,30\n")
    _, report = run(folder, predictions=path)
    assert f"{TO}/shop 1/picture 01.jpg" not in both(folder / "out")
    assert f"{TO}/shop 2/picture 02.jpg" in both(folder / "out")
    assert [finding.location.label for finding in report.findings if finding.code == "label-unchecked"] == [
        "Gambling"
    ]
    run(folder, predictions=path, policy=replace(FEW, keep_unchecked=True))
    assert f"{TO}/shop 1/picture 01.jpg" in both(folder / "out")


def test_answers_of_the_base_model_stay_for_the_same_content(folder):
    path = folder / "predictions.csv"
    path.write_text("image,label,confidence\npicture 21.jpg,Alcohol,80\npicture 22.jpg,Alcohol,70\n")
    run(folder, predictions=path)
    save(folder / "images" / "shop 1" / "picture 22.jpg", 99)  # another picture under the same name
    dataset, _ = run(folder)
    asked = dataset.images[dataset.images["predicted"] != ""]
    assert list(asked["image"]) == ["shop 0/picture 21.jpg"]
    assert list(dataset.labels[dataset.labels["source"] == "predictions"]["score"]) == [80]


def test_lower_labels_are_rolled_up_or_kept(folder):
    text = (folder / "labels.csv").read_text().replace("Violence", "Weapons")
    (folder / "labels.csv").write_text(text)
    run(folder)
    assert {name for names in both(folder / "out").values() for name in names} == {"Alcohol", "Violence"}
    _, report = run(folder, policy=replace(FEW, label_level="all"))
    assert {name for names in both(folder / "out").values() for name in names} == {
        "Alcohol",
        "Violence",
        "Weapons",
    }
    assert "label-level" in {finding.code for finding in report.findings}


def test_copies_with_other_labels_are_left_out_all_of_them(folder):
    images = folder / "images"
    shutil.copy(images / "shop 1" / "picture 01.jpg", images / "copy.jpg")
    with (folder / "labels.csv").open("a") as file:
        file.write("copy.jpg,Safe\n")
    _, report = run(folder)
    assert f"{TO}/copy.jpg" not in both(folder / "out")
    assert f"{TO}/shop 1/picture 01.jpg" not in both(folder / "out")
    conflicts = [
        finding.location.image for finding in report.findings if finding.code == "duplicate-conflict"
    ]
    assert conflicts == ["copy.jpg", "shop 1/picture 01.jpg"]


def test_look_alikes_stay_on_one_side(folder):
    for number in range(0, 20, 2):
        name = next((folder / "images").rglob(f"picture {number:02}.*"))
        picture(number).resize((90, 80)).save(name.with_name(f"again {number:02}.jpg"), quality=60)
    table = pd.read_csv(folder / "labels.csv")
    again = table[table.index % 2 == 0][:10].assign(
        file=lambda t: t["file"].str.replace(r"picture (\d+).*", r"again \1.jpg", regex=True)
    )
    pd.concat([table, again]).to_csv(folder / "labels.csv", index=False)
    dataset, _ = run(folder)
    sides = dataset.images.groupby("group")["split"].nunique()
    assert (dataset.images["group"].value_counts() > 1).sum() == 10
    assert (sides == 1).all()


def test_the_same_input_gives_the_same_bytes(folder, monkeypatch):
    run(folder)
    shutil.copytree(folder / "images", folder / "second" / "images", copy_function=shutil.copy)
    files = sorted((folder / "images").rglob("*.*"), reverse=True)
    other = folder / "other"
    for path in files:  # made in another order
        target = other / "images" / path.relative_to(folder / "images")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    monkeypatch.setenv("LC_ALL", "C")
    prepare(
        other / "images",
        labels=folder / "labels.csv",
        to=TO,
        out=other / "out",
        workers=2,
        cache=False,
        policy=FEW,
    )
    for name in (
        "train.manifest",
        "test.manifest",
        "findings.jsonl",
        "dataset/images.parquet",
        "dataset/labels.parquet",
    ):
        assert (other / "out" / name).read_bytes() == (folder / "out" / name).read_bytes(), name


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lock": True, "test_size": 0.9, "policy": Policy(min_false_positives=5, min_test_images=45)},
        {"keep_test": True, "lock": True, "keys": "sha256"},
        {"group_by": ["folders"], "slices": ["folders"], "lock": True, "thumbnails": "hidden"},
    ],
)
def test_running_again_changes_nothing(folder, options):
    (folder / "images" / "shop 2").rename(folder / "images" / "test")
    run(folder, **options)
    before = files(folder / "out")
    run(folder, **options)
    assert files(folder / "out") == before


def test_a_locked_image_that_is_gone_is_told_of_until_it_is_back(folder):
    run(folder, lock=True)
    for name in ("picture 00.png", "picture 03.jpg"):
        (folder / "images" / "shop 0" / name).rename(folder / name)
    run(folder, lock=True)
    before = files(folder / "out")
    assert b"locked-image-missing" in before["findings.jsonl"]
    run(folder, lock=True)
    assert files(folder / "out") == before
    (folder / "picture 03.jpg").rename(folder / "images" / "shop 0" / "picture 03.jpg")
    told = [f for f in run(folder).report.findings if f.code == "locked-image-missing"]
    assert [finding.data["examples"] for finding in told] == [["shop 0/picture 00.png"]]
    assert b"locked-image-missing" not in (run(folder, fresh=True).paths["findings.jsonl"]).read_bytes()


def test_splitting_a_folder_again_changes_nothing(folder):
    run(folder)
    asked = {"group_by": ["folders"], "slices": ["folders"], "seed": 3, "min_test": 5, "lock": True}
    split_folder(folder / "out", **asked)
    before = files(folder / "out")
    split_folder(folder / "out", **asked)
    assert files(folder / "out") == before


def test_locked_images_keep_their_side_when_images_are_added(folder):
    first, _ = run(folder, lock=True)
    side = dict(zip(first.images["image"], first.images["split"], strict=True))
    (folder / "images" / "shop 0" / "picture 03.jpg").rename(folder / "images" / "moved.jpg")
    with (folder / "labels.csv").open("a") as file:
        file.write("moved.jpg,Alcohol\n")
        for number in range(40, 60):
            save(folder / "images" / f"new {number}.jpg", number)
            file.write(f"new {number}.jpg,Violence\n")
    second, _ = run(folder)
    now = dict(zip(second.images["image"], second.images["split"], strict=True))
    for image, name in side.items():
        assert now["moved.jpg" if image.endswith("picture 03.jpg") else image] == name
    assert {now[f"new {number}.jpg"] for number in range(40, 60)} <= {"train", "test"}
    gone = next(
        image for image, name in side.items() if name == "test" and (folder / "images" / image).exists()
    )
    (folder / "images" / gone).unlink()
    _, report = run(folder)
    missing = [finding for finding in report.findings if finding.code == "locked-image-missing"]
    assert [(finding.data["split"], finding.data["examples"]) for finding in missing] == [("test", [gone])]
    third, _ = run(folder, fresh=True)
    assert not third.images["locked"].any()


def test_a_new_look_alike_of_images_locked_on_both_sides_is_left_out(folder):
    first, _ = run(folder, lock=True)
    by_side = first.images.drop_duplicates("split").set_index("split")["image"]
    # One picture comes to stand on both sides, and a third copy of it is new.
    shutil.copy(folder / "images" / by_side["train"], folder / "images" / by_side["test"])
    shutil.copy(folder / "images" / by_side["train"], folder / "images" / "twin.jpg")
    table = pd.read_csv(folder / "labels.csv").set_index("file")
    label = table.loc[by_side["train"], "labels"]
    table.loc["twin.jpg"] = table.loc[by_side["test"]] = label
    table.reset_index().to_csv(folder / "labels.csv", index=False)
    _, report = run(folder)
    torn = [finding for finding in report.findings if finding.code == "duplicate-across-splits"]
    assert [f.location.image for f in torn if f.left_out] == ["twin.jpg"]
    assert [f.location.image for f in torn if not f.left_out] == [by_side["test"]]
    assert f"{TO}/twin.jpg" not in both(folder / "out")
    assert not report.passed


@pytest.mark.parametrize("to", ["", "bucket/in", "s3://NO/x"])
def test_a_folder_needs_a_destination_in_s3(folder, to):
    with pytest.raises(InputError, match="s3://"):
        prepare(folder / "images", labels=folder / "labels.csv", to=to, out=folder / "out")
    assert not (folder / "out").exists()


def test_a_foreign_output_folder_is_refused_before_any_work(folder):
    (folder / "out").mkdir()
    (folder / "out" / "precious.txt").write_text("")
    with pytest.raises(OutputError, match="not made by manifest-tools"):
        run(folder)


def test_targets_are_answered_by_name(folder):
    path = folder / "predictions.csv"
    names = [p.relative_to(folder / "images").as_posix() for p in sorted((folder / "images").rglob("*.*"))]
    path.write_text(
        "image,label,confidence\n" + "".join(f"{name},Alcohol,90\n" for name in names if p_safe(name))
    )
    policy = Policy(targets=(Target.parse("Alcohol:false-positives"),), min_false_positives=5)
    _, report = run(folder, predictions=path, policy=policy)
    assert report.facts["readiness"]["ready_for"] == ["Alcohol"]
    assert report.passed


def p_safe(name: str) -> bool:
    return int(name.rsplit(" ", 1)[1].split(".", maxsplit=1)[0]) >= 20


def test_interrupting_leaves_what_was_there(folder):
    run(folder)
    before = (folder / "out" / "train.manifest").read_bytes()
    script = (
        "import os, signal, sys\n"
        "from manifest_tools.pipeline import last_steps\n"
        "def interrupt(*args, **options): os.kill(os.getpid(), signal.SIGINT)\n"
        "last_steps.check_dataset = interrupt\n"
        "from manifest_tools.cli import main\n"
        "main()\n"
    )
    command = ["prepare", "images", "--labels", "labels.csv", "--to", TO, "--out", "out", "--seed", "7"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert (folder / "out" / "train.manifest").read_bytes() == before
    assert not list((folder / "out").glob(".manifest-tools-*"))


@pytest.mark.parametrize(
    ("images", "to", "keys"),
    [
        ("s3://bucket/in/", "s3://bucket/in/ready", "original"),
        ("s3://bucket/in", "s3://bucket/in2", "original"),
        ("s3://bucket", "s3://bucket/ready", "original"),
        ("s3://bucket/in", "s3://bucket/in", "sha256"),
    ],
)
def test_a_destination_where_the_next_run_would_find_the_copies_is_refused(tmp_path, images, to, keys):
    with pytest.raises(InputError, match="choose a place beside it"):
        prepare(images, to=to, keys=keys, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("images", "to"),
    [
        ("s3://bucket", "s3://bucket-two/x"),
        ("s3://bucket/in/", "s3://bucket/out"),
        ("s3://bucket/in", "s3://bucket/in"),
    ],
)
def test_another_destination_is_not_refused(tmp_path, monkeypatch, images, to):
    monkeypatch.setattr("manifest_tools.pipeline.prepare.read_images", _stop)
    with pytest.raises(InputError, match="stopped here"):
        prepare(images, to=to, out=tmp_path / "out")


def _stop(*_: object, **__: object) -> None:
    raise InputError("stopped here")
