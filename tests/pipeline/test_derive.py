"""Copies in the place of images, from outside: what is made, told, written and kept."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from manifest_tools import Dataset, prepare
from manifest_tools.aws.prediction.predict import pictures_of
from manifest_tools.findings.policy import DERIVE as DERIVE_FOR
from manifest_tools.findings.policy import Policy
from manifest_tools.images.derive import derive_copies
from manifest_tools.images.inspection import inspect_images
from manifest_tools.images.stop_list.screening import screen_folder
from manifest_tools.pipeline.split import split_folder
from tests.images import cameras
from tests.images.looks import FarFolder
from tests.images.samples import encoded, photograph

TO = "s3://bucket/in"
ALONE = Policy(min_false_positives=1, min_test_images=1)
DERIVE = Policy(min_false_positives=1, min_test_images=1, derive={"unusable": True})
STRIP = Policy(min_false_positives=1, min_test_images=1, derive={"strip_metadata": True})
ODD = {
    "a.webp": ("WEBP", {}),
    "b.gif": ("GIF", {}),
    "c.bmp": ("BMP", {}),
    "d.tiff": ("TIFF", {}),
    "named like a jpeg.jpg": ("WEBP", {}),
}


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures: five that the service refuses, one print, one with a position, one broken, one too small."""
    files = {
        name: encoded(photograph(160, 120, seed), kind) for seed, (name, (kind, _)) in enumerate(ODD.items())
    }
    files |= {f"plain {n}.jpg": encoded(photograph(160, 120, 20 + n)) for n in range(3)}
    files["print.jpg"] = encoded(photograph(160, 120, 30).convert("CMYK"))
    files["place.jpg"] = encoded(photograph(160, 120, 31), exif=cameras.exif(6))
    files["broken.webp"] = files["a.webp"][:200]
    files["small.webp"] = encoded(photograph(60, 60, 32), "WEBP")
    (tmp_path / "images").mkdir()
    for name, data in files.items():
        (tmp_path / "images" / name).write_bytes(data)
    rows = [(name, "Alcohol" if n % 2 else "Safe") for n, name in enumerate(files)]
    pd.DataFrame(rows, columns=["file", "labels"]).to_csv(tmp_path / "labels.csv", index=False)
    return tmp_path


def run(folder: Path, policy: Policy, out: str = "out", **options: object):
    return prepare(
        folder / "images",
        labels=folder / "labels.csv",
        to=TO,
        out=folder / out,
        policy=policy,
        workers=1,
        cache=False,
        **options,
    )


def lines(out: Path) -> list[str]:
    text = (out / "train.manifest").read_text() + (out / "test.manifest").read_text()
    return [json.loads(line)["source-ref"].removeprefix(f"{TO}/") for line in text.splitlines()]


def codes(done) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for finding in done.report.findings:
        found.setdefault(finding.code, set()).add(finding.location.image or "")
    return found


def test_by_default_they_are_refused(folder):
    done = run(folder, ALONE)
    assert {*ODD, "broken.webp", "small.webp"} == codes(done)["image-format"]
    assert not [column for column in done.dataset.images if column.startswith("derived")]
    assert not (folder / "out" / "derived").exists()


def test_copies_stand_in_the_manifests_and_images_stay(folder):
    before = {path: path.read_bytes() for path in (folder / "images").iterdir()}
    done = run(folder, DERIVE)
    assert before == {path: path.read_bytes() for path in (folder / "images").iterdir()}
    found = codes(done)
    assert found["image-derived"] == {*ODD, "print.jpg", "small.webp"}
    assert found["image-format"] == {"broken.webp"}
    assert found["image-too-small"] == {"small.webp"}
    assert "image-color-mode" not in found
    images = done.dataset.images.set_index("image")
    made = {path.stem: path for path in (folder / "out" / "derived").iterdir()}
    assert set(made) == set(images["derived_sha256"]) - {""}
    for name in (*ODD, "print.jpg"):
        row = images.loc[name]
        assert row["sha256"] == hashlib.sha256(before[folder / "images" / name]).hexdigest()
        path = made[row["derived_sha256"]]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["derived_sha256"]
        with Image.open(path) as picture:
            assert (picture.format, picture.size) == (row["derived_format"], (160, 120))
        suffix = (
            f".{row['derived_sha256'][:12]}{path.suffix}" if row["format"] != row["derived_format"] else ""
        )
        assert f"{name}{suffix}" in lines(folder / "out")
    assert images.loc["a.webp", "derived_why"] == "WEBP"
    assert len(lines(folder / "out")) == 10


@pytest.mark.parametrize("policy", [DERIVE, STRIP])
def test_copies_of_images_from_afar_are_those_of_local_ones(folder, policy):
    near = inspect_images(folder / "images", workers=1, cache=False)
    uris = "s3://bucket/" + near.images["uri"]
    far = Dataset.from_tables(near.images.assign(uri=uris), root=near.root)
    (folder / "near").mkdir()
    (folder / "far").mkdir()
    reader = FarFolder(str(folder / "images"), seconds=0.02)
    told = derive_copies(near, folder / "near", folder, policy=policy, workers=1).images
    told_far = derive_copies(far, folder / "far", folder, policy=policy, workers=1, reader=reader).images
    pd.testing.assert_frame_equal(told_far.assign(uri=told["uri"]), told)
    names = sorted(path.name for path in (folder / "near").iterdir())
    assert names
    assert names == sorted(path.name for path in (folder / "far").iterdir())


def test_again_and_elsewhere_the_same_bytes(folder):
    def result(out: str) -> dict[str, bytes]:
        run(folder, DERIVE, out)
        kept = ("*.manifest", "derived/*", "dataset/*.parquet")
        return {
            str(p.relative_to(folder / out)): p.read_bytes()
            for glob in kept
            for p in (folder / out).glob(glob)
        }

    first = result("out")
    assert result("out") == first
    assert result("other") == first


def test_copies_go_when_they_are_not_wanted_any_more(folder):
    run(folder, DERIVE)
    run(folder, ALONE)
    assert list((folder / "out").glob("derived/*")) == []
    assert len(lines(folder / "out")) == 5


def test_a_new_split_keeps_the_copies(folder):
    run(folder, DERIVE)
    before = sorted(lines(folder / "out")), sorted((folder / "out" / "derived").iterdir())
    split_folder(folder / "out", seed=3)
    assert (sorted(lines(folder / "out")), sorted((folder / "out" / "derived").iterdir())) == before
    assert "derived_sha256" in Dataset.load(folder / "out").images


def test_a_copy_and_a_look_alike_are_one_group(folder):
    photo = photograph(400, 300, 77)
    (folder / "images" / "x.webp").write_bytes(encoded(photo, "WEBP", quality=90))
    shutil.copy(folder / "images" / "x.webp", folder / "images" / "y.webp")
    (folder / "images" / "z.jpg").write_bytes(encoded(photo, quality=85))
    with (folder / "labels.csv").open("a") as file:
        file.write("x.webp,Safe\ny.webp,Safe\nz.jpg,Safe\n")
    images = run(folder, DERIVE).dataset.images.set_index("image")
    assert set(images.loc[["x.webp", "y.webp", "z.jpg"], "group"]) == {"x.webp"}


def test_a_policy_strips_and_what_holds_nothing_has_no_copy(folder):
    done = run(folder, STRIP)
    found = codes(done)
    assert found["image-derived"] == {"place.jpg"}
    assert "image-metadata" not in found
    row = done.dataset.images.set_index("image").loc["place.jpg"]
    assert (row["derived_why"], row["orientation"]) == ("metadata", 6)
    data = (folder / "out" / "derived" / f"{row['derived_sha256']}.jpg").read_bytes()
    assert not cameras.position(data)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.getexif().get(0x0112) == 6
    assert "place.jpg" in lines(folder / "out")
    assert "image-metadata" in codes(run(folder, ALONE))


def test_the_base_model_is_asked_about_copies(folder):
    dataset = run(
        folder, Policy(min_false_positives=1, min_test_images=1, derive=dict.fromkeys(DERIVE_FOR, True))
    ).dataset
    asked = {picture.image: Path(picture.uri) for picture in pictures_of(dataset)[0]}
    derived = (folder / "out" / "derived").resolve()
    assert {name for name, path in asked.items() if path.parent == derived} == {
        *ODD, "print.jpg", "place.jpg", "small.webp"
    }  # fmt: skip
    assert all(path.is_file() for path in asked.values())
    assert "broken.webp" not in asked


@pytest.mark.parametrize("policy", [DERIVE, STRIP])
def test_what_is_on_a_stop_list_has_no_copy(folder, policy):
    heif, pdq = pytest.importorskip("pillow_heif"), pytest.importorskip("pdqhash")
    known = photograph(160, 120, 400)
    heif.from_pillow(known).save(folder / "images" / "known.heic", quality=95)
    (folder / "images" / "known.webp").write_bytes(encoded(known, "WEBP", quality=95))
    (folder / "images" / "known place.jpg").write_bytes(encoded(known, exif=cameras.exif()))
    bits, _ = pdq.compute(np.asarray(known))
    (folder / "stop.txt").write_text(np.packbits(bits).tobytes().hex() + "\n")
    done = run(folder, policy, stop_list=[folder / "stop.txt"])
    images = done.dataset.images.set_index("image")
    names = ["known.heic", "known.webp", "known place.jpg"]
    # nothing decodes the first one, and nothing of it is sent
    wanted = names if policy is DERIVE else names[1:]
    assert codes(done)["image-on-stop-list"] == set(wanted)
    assert not images.loc[names, "derived_sha256"].any()
    assert set(images.loc[wanted, "phash"]) == {""}
    assert {path.stem for path in (folder / "out" / "derived").iterdir()} == set(images["derived_sha256"]) - {
        ""
    }


def test_copies_of_what_comes_on_a_stop_list_later_are_not_sent_and_go(folder):
    first = run(folder, DERIVE)
    images = first.dataset.images.set_index("image")
    (folder / "stop.txt").write_text(images.loc["a.webp", "sha256"] + "\n")
    screen_folder(folder / "out", [folder / "stop.txt"])
    later = Dataset.load(folder / "out")
    assert "a.webp" not in {picture.image for picture in pictures_of(later)[0]}
    split_folder(folder / "out")
    assert not [line for line in lines(folder / "out") if line.startswith("a.webp")]
    made = {path.stem for path in (folder / "out" / "derived").iterdir()}
    assert images.loc["b.gif", "derived_sha256"] in made
    assert images.loc["a.webp", "derived_sha256"] not in made


def test_the_policy_file_says_it(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text("[derive]\nunusable = true\nstrip_metadata = true\n")
    policy = Policy.from_toml(file)
    assert policy.derive == {"unusable": True, "strip_metadata": True}
    assert Policy.from_dict(policy.to_dict()) == policy
    for wrong in ("[derive]\nall = true\n", "[derive]\nunusable = 1\n", "derive = true\n"):
        file.write_text(wrong)
        with pytest.raises(ValueError, match="derive is"):
            Policy.from_toml(file)
