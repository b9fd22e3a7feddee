"""A picture on a stop list reaches no page, no thumbnail, no cache, no bucket and no model, whichever way it comes in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from typer.testing import CliRunner

from manifest_tools.aws.prediction.predict import predict_labels
from manifest_tools.aws.publishing.apply import apply_plan, publish
from manifest_tools.aws.publishing.plan import plan_publish
from manifest_tools.cli import app
from manifest_tools.core.output_folder import MANIFESTS
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Policy
from manifest_tools.images.cache import default_folder
from manifest_tools.images.stop_list.hashes import hash_content
from manifest_tools.images.stop_list.screening import screen_folder
from manifest_tools.images.stop_list.stop_list import STOPPED
from manifest_tools.pipeline.prepare import prepare
from manifest_tools.review.pictures import Pictures
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession
from manifest_tools.testing import local_rekognition
from tests import ROOT
from tests.aws.publishing.test_publish import Recorder
from tests.images.samples import encoded, photograph

SAMPLE = ROOT / "sample_data"
KNOWN = encoded(photograph(400, 300, 77))  # the original, which nobody here has
FOUND = "bar/found.jpg"  # a copy of it
NEAR = "games/near.jpg"  # scaled down, mirrored and saved again


def near_copy():
    picture = ImageOps.mirror(photograph(400, 300, 77)).resize((300, 225), Image.Resampling.LANCZOS)
    return encoded(picture, quality=70)


@pytest.fixture
def photos(tmp_path):
    """The sample's images with a known one and a near copy among them, and lists that know the original alone."""
    folder = tmp_path / "photos"
    shutil.copytree(SAMPLE / "images", folder)
    for name, data in ((FOUND, KNOWN), (NEAR, near_copy())):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    labels = (SAMPLE / "labels.csv").read_text(encoding="utf-8")
    (tmp_path / "labels.csv").write_text(labels + f"{FOUND},Alcohol\n{NEAR},Gambling\n", encoding="utf-8")
    (tmp_path / "exact.txt").write_text(hashlib.md5(KNOWN).hexdigest() + "\n")
    (tmp_path / "near.txt").write_text(f"pdq:{hash_content(KNOWN, {'pdq'}).pdq[:64]}\n")
    return folder


@pytest.fixture
def few(tmp_path, photos):
    """Four of these images: enough where nothing has to pass."""
    for path in filter(Path.is_file, list(photos.rglob("*"))):
        if path.name not in ("beagle.jpg", "frog.png", Path(FOUND).name, Path(NEAR).name):
            path.unlink()
    return photos


def lists(tmp_path):
    return [tmp_path / "exact.txt", tmp_path / "near.txt"]


def made(tmp_path, photos, **options):
    return prepare(
        photos,
        labels=tmp_path / "labels.csv",
        predictions=SAMPLE / "predictions.manifest",
        policy=Policy(targets=["Alcohol:false-positives"]),
        to=f"s3://pictures/{tmp_path.name}",
        out=tmp_path / "out",
        **options,
    )


def digests():
    return {hashlib.sha256(data).hexdigest() for data in (KNOWN, near_copy())}


def sent(recorder):
    """Return the SHA-256 of every body that was put into S3."""
    bodies = [arguments["Body"] for _, arguments in recorder.calls if "Body" in arguments]
    return {hashlib.sha256(body if isinstance(body, bytes) else body.read()).hexdigest() for body in bodies}


def stopped_in(out):
    images = Dataset.load(out).images
    return set(images["image"][images["decode_error"].str.startswith(STOPPED)])


def test_from_folder_to_bucket_and_model(tmp_path, photos, client):
    # an earlier round knew nothing of it: it is in table and cache
    made(tmp_path, photos, thumbnails="hidden")
    done = made(tmp_path, photos, thumbnails="hidden", stop_list=lists(tmp_path))
    out = tmp_path / "out"
    assert stopped_in(out) == {FOUND, NEAR}
    found = [item for item in done.report.findings if item.code == "image-on-stop-list"]
    assert {item.location.image for item in found} == {FOUND, NEAR}
    assert all(item.severity == "error" for item in found)
    assert {item.data["sha256"] for item in found} == digests()
    pdq = hash_content(KNOWN, {"pdq"}).pdq[:64]
    for file in filter(lambda path: path.is_file(), out.rglob("*")):
        content = file.read_bytes()
        assert pdq.encode() not in content
        assert hashlib.md5(KNOWN).hexdigest().encode() not in content
    for name in MANIFESTS:
        assert FOUND not in (out / name).read_text()
        assert NEAR not in (out / name).read_text()
    for file in default_folder().glob("*"):
        assert not any(digest.encode() in file.read_bytes() for digest in digests())
    shown = re.findall(r"data:image/jpeg;base64,([^\"')]+)", (out / "report.html").read_text())
    for picture in shown:
        assert not similar(base64.b64decode(picture))

    recorder = Recorder(client)
    result = publish(out, client=recorder)
    assert result.passed, result.findings
    assert sent(recorder)
    assert not sent(recorder) & digests()

    seen = []
    with local_rekognition(answer=lambda picture: seen.append(picture) or {}) as rekognition:
        predict_labels(Dataset.load(out), tmp_path / "asked", client=rekognition.client(), tps=1000)
    assert len(seen) > 100
    asked = {hashlib.sha256(picture.content).hexdigest() for picture in seen}
    assert not asked & digests()


def similar(data):
    """Whether a picture is the known one, as far as its pixels tell."""
    ours = hash_content(data, {"pdq"}).pdq or ""
    theirs = np.frombuffer(bytes.fromhex(hash_content(KNOWN, {"pdq"}).pdq[:64]), np.uint8)
    return any(
        np.bitwise_count(np.frombuffer(bytes.fromhex(ours[at : at + 64]), np.uint8) ^ theirs).sum() <= 31
        for at in range(0, len(ours), 64)
    )


def test_a_later_round_remembers_the_lists(tmp_path, few):
    (few / FOUND).unlink()
    made(tmp_path, few, stop_list=lists(tmp_path))
    (few / FOUND).write_bytes(KNOWN)
    made(tmp_path, few)
    assert stopped_in(tmp_path / "out") == {FOUND, NEAR}
    made(tmp_path, few, fresh=True)
    assert stopped_in(tmp_path / "out") == {FOUND, NEAR}
    (tmp_path / "exact.txt").rename(tmp_path / "gone.txt")
    with pytest.raises(ValueError, match="cannot be read"):
        made(tmp_path, few)
    made(tmp_path, few, stop_list=["none"])
    assert stopped_in(tmp_path / "out") == set()
    assert Dataset.load(tmp_path / "out").stop_list == ()


def test_the_page_shows_nothing_of_it(tmp_path, few):
    made(tmp_path, few)
    out = tmp_path / "out"
    row = Dataset.load(out).images["image"].tolist().index(FOUND)
    screen_folder(out, lists(tmp_path))
    session = ReviewSession(out, "ann")
    assert row not in session.queue(Filter(everything=True))
    shown = Pictures(session.state.dataset, bytes)[row]
    assert shown.picture == shown.veil == b""
    assert "stop list" in shown.error
    other = row - 1  # swapped for it since
    (few / session.state.dataset.images["uri"].iloc[other]).write_bytes(near_copy())
    shown = Pictures(session.state.dataset, bytes)[other]
    assert shown.picture == b""
    assert "stop list" in shown.error


def test_publish_takes_a_list_and_looks_again_between_plan_and_apply(tmp_path, photos, client):
    made(tmp_path, photos)
    out = tmp_path / "out"
    recorder = Recorder(client)
    plan = plan_publish(out, client=recorder, stop_list=lists(tmp_path))
    assert not plan.ready
    assert {item.code for item in plan.findings} == {"image-on-stop-list"}
    assert not sent(recorder) & digests()
    assert stopped_in(out) == {FOUND, NEAR}

    made(tmp_path, photos, stop_list=lists(tmp_path))
    plan = plan_publish(out, client=recorder)
    wanted = next(item.wanted for item in plan.images if item.writes)
    for swapped, code in ((near_copy(), "object-changed"), (KNOWN, "image-on-stop-list")):
        Path(wanted.source).write_bytes(swapped)
        assert code in {item.code for item in apply_plan(plan).findings}
        assert not sent(recorder) & digests()


def test_images_in_s3_by_a_manifest(tmp_path, client, s3, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    data = {"a.jpg": encoded(photograph(400, 300, 1)), "known.jpg": KNOWN, "near.jpg": near_copy()}
    for name, content in data.items():
        client.put_object(Bucket="pictures", Key=f"listed/{name}", Body=content)
    lines = [json.dumps({"source-ref": f"s3://pictures/listed/{name}"}) for name in data]
    (tmp_path / "in.manifest").write_text("\n".join(lines) + "\n")
    (tmp_path / "exact.txt").write_text(hashlib.sha1(KNOWN).hexdigest())
    (tmp_path / "near.txt").write_text(f"pdq:{hash_content(KNOWN, {'pdq'}).pdq[:64]}")
    prepare(tmp_path / "in.manifest", out=tmp_path / "out", stop_list=lists(tmp_path))
    seen = []
    with local_rekognition(s3=s3, answer=lambda picture: seen.append(picture.uri) or {}) as rekognition:
        predict_labels(
            Dataset.load(tmp_path / "out"), tmp_path / "asked", client=rekognition.client(), s3_client=client
        )
    assert seen == ["s3://pictures/listed/a.jpg"]


@pytest.mark.parametrize("command", ["predict", "review"])
def test_commands_take_a_list(tmp_path, few, command):
    made(tmp_path, few)
    out = tmp_path / "out"
    options = [word for name in lists(tmp_path) for word in ("--stop-list", str(name))]
    if command == "review":
        done = CliRunner().invoke(
            app, ["review", str(out), "--export", str(tmp_path / "sheet.csv"), *options]
        )
        assert done.exit_code == 0, done.output
        assert FOUND not in (tmp_path / "sheet.csv").read_text()
        assert stopped_in(out) == {FOUND, NEAR}
        return
    seen = []
    with local_rekognition(answer=lambda picture: seen.append(picture) or {}) as rekognition:
        done = CliRunner(env=rekognition.environment).invoke(
            app, ["predict", str(out), "--yes", "--tps", "1000", "--fresh", *options]
        )
    assert done.exit_code == 0, done.output
    assert seen
    assert not {hashlib.sha256(picture.content).hexdigest() for picture in seen} & digests()


def test_inspect_at_once_and_by_batches(tmp_path, few):
    options = [word for name in lists(tmp_path) for word in ("--stop-list", str(name))]
    for place in (["--out", str(tmp_path / "one")], ["--run", str(tmp_path / "two")]):
        done = CliRunner().invoke(app, ["inspect", str(few), *place, *options])
        assert "image-on-stop-list" in done.output, (done.output, done.exception)
        assert FOUND in done.output
        assert stopped_in(place[1]) == {FOUND, NEAR}
    again = CliRunner().invoke(app, ["inspect", str(few), "--run", str(tmp_path / "two")])
    assert again.exit_code != 0
    assert "stop lists" in str(again.exception)
