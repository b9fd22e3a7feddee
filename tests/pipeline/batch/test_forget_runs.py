"""Forgetting in run folders: nothing names the image, every other result is as it was, and the same command goes on."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from manifest_tools.aws.prediction import distributed
from manifest_tools.aws.prediction.question import Question
from manifest_tools.cli import app
from manifest_tools.core.errors import RemoteError
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.pipeline.batch import plan, predict
from manifest_tools.pipeline.batch.predict import plan_asking, predict_saved
from manifest_tools.pipeline.batch.run import inspect_run
from manifest_tools.pipeline.batch.run_folder import RunFolder
from manifest_tools.pipeline.forget.folder import apply_forget, plan_forget
from manifest_tools.testing import local_rekognition
from tests.pictures import save

WHO, COPY = "many/03.jpg", "copy.jpg"


@pytest.fixture(scope="module", autouse=True)
def small_batches():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "BATCH_IMAGES", 3)
        patch.setattr(plan, "PART_IMAGES", 7)
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Pictures, a run over them with its results elsewhere, and one over those that stay."""
    place = tmp_path_factory.mktemp("runs")
    for folder in ("photos", "others"):
        for number in range(11):
            if (folder, number) != ("others", 3):
                save(place / folder / "many" / f"{number:02}.jpg", number)
    save(place / "photos" / COPY, 3)
    inspect_run(place / "photos", run=place / "run", out=place / "out", workers=1)
    inspect_run(place / "others", run=place / "expected", workers=1)
    return place


@pytest.fixture
def photos(base):
    return base / "photos"


@pytest.fixture
def run(base, tmp_path):
    """A finished run, which a test may change; with its results beside it."""
    shutil.copytree(base / "run", tmp_path / "run")
    shutil.copytree(base / "out", tmp_path / "out")
    return tmp_path / "run"


def forget(*words):
    done = CliRunner().invoke(app, ["forget", *map(str, words)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def named_in(place, *names):
    """Return the tables and other files that hold one of the names."""
    found = []
    for path in filter(Path.is_file, place.rglob("*")):
        if path.suffix == ".parquet":
            text = pd.read_parquet(path).to_csv()
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
        if any(name in text for name in names) or any(name in path.name for name in names):
            found.append(path.relative_to(place).as_posix())
    return found


def digest_of(photos):
    return sha256((photos / WHO).read_bytes()).hexdigest()


def tables(place):
    return [pd.read_parquet(place / "dataset" / f"{name}.parquet") for name in ("images", "labels")]


def goes_on(photos, base, run, out):
    """Give the command of a run again, and see that its results are those of the images that stay."""
    report = inspect_run(photos, run=run, out=out, workers=1)
    assert report.facts["images"]["found"] == 10
    for ours, theirs in zip(tables(out), tables(base / "expected"), strict=True):
        pd.testing.assert_frame_equal(ours, theirs)


def undo(run, batches):
    """Take back all but some batches of a finished run."""
    for path in sorted((run / "batches").iterdir())[batches:]:
        path.unlink()


class TestInspection:
    @pytest.mark.parametrize("name", [WHO, "digest"])
    def test_results_elsewhere(self, photos, base, run, name):
        out, name = run.parent / "out", digest_of(photos) if name == "digest" else name
        others = {path: path.read_bytes() for path in (run / "batches").iterdir()}
        assert "2 images forgotten" in forget(name, "--from", run, "--from", out, "--yes")
        for place in (run, out):
            (receipt,) = place.glob("forgotten-*.json")
            assert not named_in(place, WHO, COPY)
            assert named_in(place, digest_of(photos)) == [receipt.name]
        assert sum(path.read_bytes() != before for path, before in others.items()) == 2
        goes_on(photos, base, run, out)

    def test_results_in_the_run_folder(self, photos, base, run):
        inspect_run(photos, run=run, workers=1)
        forget(WHO, "--from", run, "--yes")
        assert not named_in(run, WHO, COPY)
        assert len(Dataset.load(run)) == 10
        goes_on(photos, base, run, run)

    def test_a_run_that_is_under_way_goes_on_without_the_image(self, photos, base, run):
        undo(run, 1)
        forget(COPY, "--from", run, "--yes")  # of the other one the content is not known yet
        assert named_in(run, WHO)
        forget(WHO, "--from", run, "--yes")
        assert not named_in(run, COPY, WHO)
        goes_on(photos, base, run, run)

    def test_a_batch_of_which_nothing_is_left_counts_as_done(self, photos, run):
        undo(run, 1)
        rows = pd.read_parquet(next((run / "plan").glob("00000-00000-*.parquet")))
        (run.parent / "names").write_text("\n".join(rows["image"][rows["batch"] == 1]))
        forget("--file", run.parent / "names", "--from", run, "--yes")
        assert inspect_run(photos, run=run, workers=1).facts["images"]["found"] == 9

    def test_an_unfinished_listing_is_done_again(self, photos, run):
        undo(run, 0)
        (run / "plan.json").unlink()
        assert "the listing is not finished" in forget(WHO, "--from", run, "--dry-run")
        forget(WHO, "--from", run, "--yes")
        assert not named_in(run, WHO)
        assert not any((run / "plan").iterdir())

    @pytest.mark.parametrize("moved", [0, 1, 3])
    def test_killed_half_way_any_command_finishes_it(self, photos, base, run, monkeypatch, moved):
        killed_after(monkeypatch, moved, run)
        with pytest.raises(KeyboardInterrupt):
            apply_forget(plan_forget(run, [WHO]))
        monkeypatch.undo()
        if moved:
            assert forget(WHO, "--from", run, "--yes") == "nothing of them is there\n"
        else:
            goes_on(photos, base, run, run)
        assert not named_in(run, WHO, COPY)

    def test_what_killed_writers_left_goes_too(self, run):
        (run / "batches" / ".000000001.parquet.0a1b2c3d.tmp").write_bytes(WHO.encode())
        (run / ".manifest-tools-scratch-x").mkdir()
        (run / ".manifest-tools-scratch-x" / "prints").write_bytes(WHO.encode())
        forget(WHO, "--from", run, "--yes")
        assert not named_in(run, WHO)

    def test_others_are_not_touched(self, run):
        before = {path: path.read_bytes() for path in filter(Path.is_file, run.rglob("*"))}
        assert forget("3.jpg", "--from", run, "--yes") == "nothing of them is there\n"
        assert before == {path: path.read_bytes() for path in filter(Path.is_file, run.rglob("*"))}


def killed_after(monkeypatch, moves, place):
    """Kill whoever puts results into a folder after so many files."""
    real, count = Path.replace, 0

    def killed(self, target):
        nonlocal count
        if "committed" in str(self) and place in self.parents:
            if count == moves:
                raise KeyboardInterrupt
            count += 1
        return real(self, target)

    monkeypatch.setattr(Path, "replace", killed)


QUESTION = Question("", 5.0)
FAST = 5000.0


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(predict, "TOGETHER", 3)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    distributed._client.cache_clear()
    asked = []

    def answer(picture):
        asked.append(sha256(picture.content).hexdigest())
        return {"Alcohol": 60 + picture.content[-1] % 30}

    with local_rekognition(answer=answer) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        made = server.client()
        made.asked = asked
        yield made


def ask(folder, run, client):
    return predict_saved(
        plan_asking(SavedDataset.open(folder), scratch=folder),
        RunFolder.at(run),
        QUESTION,
        client=client,
        tps=FAST,
    )


@pytest.fixture
def asked(base, tmp_path, client, monkeypatch):
    """A run of predictions of which the first two batches are done, and the data set that it is about."""
    shutil.copytree(base / "out", tmp_path / "out")
    real = predict.PredictionTask.__call__

    def refuse(self, batch):
        if batch.number >= 2:
            raise RemoteError("gone")
        return real(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(predict.PredictionTask, "__call__", refuse)
        with pytest.raises(RemoteError):
            ask(tmp_path / "out", tmp_path / "run", client)
    assert len(client.asked) == 6
    return tmp_path / "run", tmp_path / "out"


def predicted(out):
    images = Dataset.load(out).images
    return set(images["image"][images["predicted"] != ""])


class TestPredictions:
    def test_paid_answers_go_to_the_data_set_and_the_rest_is_asked(self, asked, client):
        run, out = asked
        told = forget(WHO, "--from", out, "--from", run, "--dry-run")
        assert f"run: 5 answers about other images to {out}" in told
        forget(WHO, "--from", out, "--from", run, "--yes")
        assert [path.name[:10] for path in run.iterdir() if path.is_file()] == ["forgotten-"]
        assert not named_in(run, WHO, COPY)
        assert not named_in(out, WHO, COPY)
        assert len(predicted(out)) == 5
        ask(out, run, client)
        assert len(client.asked) == len(set(client.asked)) == 11  # every picture once
        assert len(predicted(out)) == len(Dataset.load(out)) == 10

    @pytest.mark.parametrize("name", ["many/09.jpg", WHO])  # one that nobody asked about yet
    def test_killed_after_the_answers_were_saved_it_ends_the_same(self, asked, client, monkeypatch, name):
        run, out = asked
        killed_after(monkeypatch, 0, run)
        with pytest.raises(KeyboardInterrupt):
            apply_forget(plan_forget(run, [name]))
        monkeypatch.undo()
        saved = predicted(out)
        assert saved
        forget(name, "--from", run, "--from", out, "--yes")
        assert not (run / "run.json").exists()
        assert predicted(out) == saved
        assert name not in set(Dataset.load(out).images["image"])

    def test_a_finished_run_is_removed(self, asked, client):
        run, out = asked
        ask(out, run, client)
        before = predicted(out)
        assert "its other answers are in the data set" in forget(WHO, "--from", run, "--dry-run")
        forget(WHO, "--from", run, "--yes")
        assert not (run / "run.json").exists()
        assert predicted(out) == before

    def test_answers_of_which_the_data_set_knows_nothing_stay(self, asked):
        run, out = asked
        forget(WHO, "--from", out, "--yes")  # by which the run is another one
        told = forget(COPY, "--from", run, "--yes")
        assert "receipt" in told
        assert not named_in(run / "batches", WHO, COPY)
        assert sum(len(pd.read_parquet(path)) for path in (run / "batches").iterdir()) == 5
        assert json.loads((run / "run.json").read_text())["step"] == "predict"
