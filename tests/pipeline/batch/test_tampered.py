"""Whatever somebody did to the files of a run folder: the run goes on, or says in a sentence what is wrong."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from manifest_tools.aws.prediction.question import Question
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.parallel.executors import SerialExecutor
from manifest_tools.pipeline.batch import inspect, plan, predict
from manifest_tools.pipeline.batch.answers import ANSWER_COLUMNS
from manifest_tools.pipeline.batch.collect import find_look_alikes
from manifest_tools.pipeline.batch.plan import planned
from manifest_tools.pipeline.batch.progress import progress_of
from manifest_tools.pipeline.batch.run import inspect_run
from manifest_tools.pipeline.batch.run_folder import RunFolder, batch_name
from tests import tampering
from tests.pictures import save
from tests.tampering import tried

QUESTION = Question("", 5.0)


class Here:
    """A client that is never called."""

    class meta:  # noqa: N801 - as boto3 calls it
        region_name, endpoint_url = "us-east-1", ""


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inspected")
    for number in range(4):
        save(folder / "images" / f"{number}.png", number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "BATCH_IMAGES", 2)
        inspect_run(folder / "images", run=folder / "run", executor=SerialExecutor(), workers=1, quick=True)
    return folder


def again(images, run):
    return inspect_run(images, run=run, executor=SerialExecutor(), workers=1, quick=True)


@pytest.mark.parametrize("name", ["run.json", "plan.json", "plan/00000.json"])
def test_every_document_of_a_run_may_be_anything(inspected, tmp_path, name):
    run = shutil.copytree(inspected / "run", tmp_path / "run")
    folder, source = RunFolder.at(run), str(inspected / "images")
    if name == "plan/00000.json":
        (run / "plan.json").unlink()
    refused = 0
    for content in tampering.of_json((run / name).read_bytes()):
        (run / name).write_bytes(content)
        refused += bool(
            tried(
                lambda: inspect.begin(folder, source, quick=True),
                lambda: planned(folder) or plan.make_plan(folder, source, SerialExecutor()),
                lambda: progress_of(folder),
            )
        )
        if name == "plan/00000.json":
            (run / "plan.json").unlink(missing_ok=True)
    assert refused > 50


@pytest.mark.parametrize("name", ["batches/000000000.parquet", "plan"])
def test_every_table_of_a_run_may_be_anything(inspected, tmp_path, name):
    run = shutil.copytree(inspected / "run", tmp_path / "run")
    if name == "plan":
        name = next(path.relative_to(run).as_posix() for path in (run / "plan").glob("*.parquet"))
    folder = RunFolder.at(run)
    whole, sound, refused = planned(folder), (run / name).read_bytes(), 0
    for content in tampering.of_table(sound):
        (run / name).write_bytes(content)
        refused += bool(
            tried(
                lambda: [*plan.batches(folder, whole, set())],
                lambda: find_look_alikes(folder, whole, workers=1, scratch=tmp_path),
            )
        )
    assert refused > 25
    assert "is damaged" in tried(lambda: again(inspected / "images", run)) or name.startswith("plan")
    (run / name).unlink()
    if not name.startswith("plan"):
        again(inspected / "images", run)
        assert (run / name).read_bytes() == sound


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A data set of five images, two of them in a batch, and the folder of a run that asked about them."""
    monkeypatch.setattr(predict, "TOGETHER", 2)
    images = [{"image": f"{n}.jpg", "bytes": 5, "sha256": f"{n}" * 64, "format": "JPEG"} for n in range(5)]
    Dataset.from_tables(pd.DataFrame(images), root=str(tmp_path)).save(tmp_path / "dir")
    folder = RunFolder.at(tmp_path / "run")
    asking = predict.plan_asking(SavedDataset.open(tmp_path / "dir"), scratch=tmp_path)
    predict.begin(folder, asking, QUESTION)
    for number in range(asking.batches):
        rows = asking.rows[2 * number : 2 * number + 2]
        lines = [(row, f"{row}.jpg", "7.0", "none", "Alcohol", 90.0, "", "") for row in rows]
        folder.write_table(batch_name(number), pd.DataFrame(lines, columns=[*ANSWER_COLUMNS]))
    return asking, folder, tmp_path


def test_every_file_of_a_run_of_predictions_may_be_anything(asked):
    asking, folder, place = asked
    collect = lambda: predict.predict_saved(asking, folder, QUESTION, client=Here)  # noqa: E731
    begin = lambda: predict.begin(folder, asking, QUESTION)  # noqa: E731
    for name, changed, step in (
        ("run.json", tampering.of_json, begin),
        (batch_name(1), tampering.of_table, collect),
    ):
        path = place / "run" / name
        sound = path.read_bytes()
        said = []
        for content in changed(sound):
            path.write_bytes(content)
            said.append(tried(step, lambda: progress_of(folder)))
        assert sum(map(bool, said)) > 20
        path.write_bytes(sound)
    assert collect().answered == 5
    assert (Dataset.load(place / "dir").labels["label"] == "Alcohol").all()


def test_what_a_killed_writer_left_beside_its_finished_file_is_swept_away(inspected, tmp_path):
    run = shutil.copytree(inspected / "run", tmp_path / "run")
    before = sorted(path.name for path in run.rglob("*"))
    for name in ("run.json", "batches/000000000.parquet", "plan/00000.json"):
        path = run / name
        path.with_name(f".{path.name}.0a1b2c3d.tmp").hardlink_to(path)
    again(inspected / "images", run)
    assert sorted(path.name for path in run.rglob("*")) == before
