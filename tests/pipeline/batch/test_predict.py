"""Answers batch by batch: those that one go gives, and none paid for twice."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5, sha256

import pandas as pd
import pytest
from botocore.config import Config
from typer.testing import CliRunner

from manifest_tools.aws.prediction import distributed
from manifest_tools.aws.prediction.predict import predict_labels
from manifest_tools.aws.prediction.question import Question
from manifest_tools.cli import app
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.tables import COPY_COLUMNS
from manifest_tools.images.stop_list.stop_list import STOPPED
from manifest_tools.pipeline.batch import predict
from manifest_tools.pipeline.batch.predict import begin, plan_asking, plan_in_numbers, predict_saved
from manifest_tools.pipeline.batch.run_folder import RunFolder, batch_name
from manifest_tools.pipeline.batch.settle import screen_before_asking
from manifest_tools.testing import local_rekognition

JPEG = b"\xff\xd8\xff\xe0"
QUESTION = Question("", 5.0)
FAST = 5000.0


def answer(picture):
    return {"Weapon Violence": 40 + picture.content[-1] % 50} if picture.content[-1] % 3 else {}


@pytest.fixture
def rekognition(monkeypatch):
    monkeypatch.setattr(predict, "TOGETHER", 4)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    distributed._client.cache_clear()
    with local_rekognition(answer=answer) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def client(rekognition):
    return rekognition.client(config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def folder(tmp_path):
    """A saved data set: copies, an image that the service would refuse, labels, an earlier answer."""
    rows = []
    for number in range(20):
        content = JPEG + bytes([number % 17])
        (tmp_path / f"{number:02}.jpg").write_bytes(content)
        digest = sha256(content).hexdigest()
        rows.append({"image": f"{number:02}.jpg", "bytes": 5, "sha256": digest, "format": "JPEG"})
    rows[3] |= {"decode_error": "missing"}
    images = pd.DataFrame(rows)
    labels = pd.DataFrame(
        [("01.jpg", "Violence", "table", True), ("05.jpg", "Alcohol", "table", True)],
        columns=["image", "label", "source", "truth"],
    )
    dataset = Dataset.from_tables(images.assign(uri=images["image"]), labels, root=str(tmp_path))
    dataset.save(tmp_path / "dir")
    return tmp_path / "dir"


def test_the_answers_are_those_of_one_go(folder, client, tmp_path):
    expected = predict_labels(Dataset.load(folder), tmp_path / "out", client=client, tps=FAST)
    asking = plan_asking(SavedDataset.open(folder), scratch=tmp_path)
    with ThreadPoolExecutor(2) as executor:
        told = predict_saved(
            asking, RunFolder.at(tmp_path / "run"), QUESTION, client=client, executor=executor, tps=FAST
        )
    after = Dataset.load(folder)
    pd.testing.assert_frame_equal(after.images, expected.images)
    pd.testing.assert_frame_equal(after.labels.drop(columns="line"), expected.labels.drop(columns="line"))
    assert told.answered == 19
    assert told.failed == 0
    assert after.images["content_types"].value_counts().to_dict() == {"none": 19, "": 1}
    assert after.history[-1]["step"] == "predict"


def test_copies_share_a_call_and_a_second_run_asks_nothing(folder, client, rekognition, tmp_path):
    asking = plan_asking(SavedDataset.open(folder), scratch=tmp_path)
    place = RunFolder.at(tmp_path / "run")
    assert plan_in_numbers(asking, place, tps=FAST, region=None, price=2.0).to_ask == 16
    predict_saved(asking, place, QUESTION, client=client, tps=FAST)
    assert sum(rekognition.pictures.values()) == 16
    again = plan_asking(SavedDataset.open(folder), scratch=tmp_path)
    assert (len(again.rows), again.answered, again.unsuitable) == (0, 19, 1)
    before = Dataset.load(folder)
    told = predict_saved(again, place, QUESTION, client=client, tps=FAST)
    assert told.answered == 19
    after = Dataset.load(folder)
    pd.testing.assert_frame_equal(after.images, before.images)
    pd.testing.assert_frame_equal(after.labels, before.labels)
    assert sum(rekognition.pictures.values()) == 16


def test_a_run_that_was_stopped_goes_on(folder, client, rekognition, tmp_path, monkeypatch):
    asking = plan_asking(SavedDataset.open(folder), scratch=tmp_path)
    place = RunFolder.at(tmp_path / "run")
    real = predict.PredictionTask.__call__

    def refuse(self, batch):
        if batch.number == 2:
            msg = "no rights"
            raise RemoteError(msg)
        return real(self, batch)

    monkeypatch.setattr(predict.PredictionTask, "__call__", refuse)
    with pytest.raises(RemoteError, match="no rights"):
        predict_saved(asking, place, QUESTION, client=client, tps=FAST)
    monkeypatch.setattr(predict.PredictionTask, "__call__", real)
    done = len(place.finished(asking.batches))
    assert done
    before = sum(rekognition.pictures.values())
    predict_saved(asking, place, QUESTION, client=client, tps=FAST)
    assert sum(rekognition.pictures.values()) - before <= 16 - 4 * done
    assert (Dataset.load(folder).images["predicted"] != "").sum() == 19


def test_a_run_from_before_content_types_goes_on(folder, client, rekognition, tmp_path):
    asking = plan_asking(SavedDataset.open(folder), scratch=tmp_path)
    place = RunFolder.at(tmp_path / "run")
    begin(place, asking, QUESTION)
    first = place.place + "/" + batch_name(0)
    task = predict.PredictionTask(place, predict.AskTask(QUESTION, "", "us-east-1", rekognition.url))
    task(next(predict._batches(asking, set(), lambda: FAST)))
    pd.read_parquet(first).drop(columns="types").to_parquet(first)

    predict_saved(asking, place, QUESTION, client=client, tps=FAST)

    told = Dataset.load(folder).images.query("predicted != ''")["content_types"]
    assert told.value_counts().to_dict() == {"none": 12, "": 7}  # of the first batch, three have copies


def test_another_question_is_another_run(folder, client, tmp_path):
    asking = plan_asking(SavedDataset.open(folder), scratch=tmp_path)
    place = RunFolder.at(tmp_path / "run")
    predict_saved(asking, place, QUESTION, client=client, tps=FAST)
    with pytest.raises(InputError, match="another question"):
        predict_saved(asking, place, Question("", 50.0), client=client, tps=FAST)


def test_answers_are_not_laid_over_other_images(folder, client, rekognition, tmp_path):
    place = RunFolder.at(tmp_path / "run")
    predict_saved(
        plan_asking(SavedDataset.open(folder), scratch=tmp_path), place, QUESTION, client=client, tps=FAST
    )
    dataset = Dataset.load(folder)
    images = dataset.images.assign(predicted="", sha256=dataset.images["sha256"].iloc[::-1].to_numpy())
    Dataset.from_tables(images, root=dataset.root).save(folder)
    with pytest.raises(InputError, match="of other images"):
        predict_saved(
            plan_asking(SavedDataset.open(folder), scratch=tmp_path), place, QUESTION, client=client, tps=FAST
        )


def test_what_has_no_answer_is_told(folder, client, tmp_path):
    (tmp_path / "00.jpg").write_bytes(b"changed")
    asking = plan_asking(SavedDataset.open(folder), scratch=tmp_path)
    told = predict_saved(asking, RunFolder.at(tmp_path / "run"), QUESTION, client=client, tps=FAST)
    assert told.failed == 1
    assert told.failures[0]["image"] == "00.jpg"
    assert "has changed since it was inspected" in told.failures[0]["message"]
    after = Dataset.load(folder).images.set_index("image")["predicted"]
    assert after["00.jpg"] == ""
    assert after["17.jpg"] == ""  # its copy shares the call


def test_the_command(folder, rekognition, tmp_path):
    words = ["predict", str(folder), "--run", str(tmp_path / "run"), "--tps", "5000"]
    shown = CliRunner().invoke(app, [*words, "--dry-run"])
    assert shown.output.count("calls       16") == 1
    done = CliRunner().invoke(app, [*words, "--yes", "--quiet"])
    assert done.exit_code == 0, done.output
    assert "answers     for 19 images" in done.output
    again = CliRunner().invoke(app, [*words, "--yes", "--quiet", "--format", "json"])
    assert json.loads(again.stdout)["answered"] == 19
    told = CliRunner().invoke(app, ["progress", str(tmp_path / "run")])
    assert "done     16 of 16 images (100.0%)" in told.output
    assert told.exit_code == 0
    refused = CliRunner().invoke(app, [*words, "--adapter", "arn:x"])
    assert isinstance(refused.exception, InputError)


def test_copies_are_sent_in_the_place_of_images(folder, client, rekognition, tmp_path):
    dataset, contents = Dataset.load(folder), {}
    (tmp_path / "derived").mkdir()
    columns = {name: dataset.images[name].to_numpy(copy=True) for name in ("sha256", "bytes", "format")}
    for row, name in enumerate(dataset.images["image"]):
        contents[name] = JPEG + bytes([100 + row // 2, row // 2])  # two images have one copy
        digest = sha256(contents[name]).hexdigest()
        (tmp_path / "derived" / f"{digest}.jpg").write_bytes(contents[name])
        copy = ("", 0, "") if name == "03.jpg" else (digest, 6, "JPEG")  # it is missing
        columns["sha256"][row], columns["bytes"][row], columns["format"][row] = copy
    made = {f"derived_{name}": values for name, values in columns.items()}
    made |= {"derived_width": 9, "derived_height": 9, "derived_why": "format"}
    images = dataset.images.assign(**{name: made[name] for name in COPY_COLUMNS})
    images = images.astype({name: kind for name, (kind, _) in COPY_COLUMNS.items()})
    sources = {**dataset.sources, "derived": {"folder": str(tmp_path / "derived")}}
    images = images.assign(format="WEBP")
    Dataset.from_tables(images, dataset.labels, root=dataset.root, sources=sources).save(folder)
    expected = predict_labels(Dataset.load(folder), tmp_path / "out", client=client, tps=FAST)
    before = rekognition.pictures.total()
    asking = plan_asking(SavedDataset.open(folder), scratch=tmp_path)
    told = predict_saved(asking, RunFolder.at(tmp_path / "run"), QUESTION, client=client, tps=FAST)
    assert told.failed == 0
    pd.testing.assert_frame_equal(Dataset.load(folder).images, expected.images)
    assert before == rekognition.pictures.total() - before == 10


class TestStopList:
    @pytest.fixture
    def known(self, tmp_path):
        (tmp_path / "known.txt").write_text(md5((tmp_path / "05.jpg").read_bytes()).hexdigest() + "\n")
        return tmp_path / "known.txt"

    def test_what_is_on_it_is_set_aside_and_nobody_is_asked(self, folder, rekognition, tmp_path, known):
        words = ["predict", str(folder), "--run", str(tmp_path / "run"), "--tps", "5000", "--yes", "--quiet"]
        done = CliRunner().invoke(app, [*words, "--stop-list", str(known)])
        assert done.exit_code == 0, (done.output, done.exception)
        assert "answers     for 18 images" in done.output
        after = Dataset.load(folder)
        assert after.stop_list == (str(known),)
        image = after.image("05.jpg")
        assert image["decode_error"].startswith(STOPPED)
        assert image["format"] == ""
        assert image["sha256"] not in rekognition.pictures
        again = CliRunner().invoke(app, words)
        assert again.exit_code == 0, (again.output, again.exception)
        known.unlink()
        gone = CliRunner().invoke(app, words)
        assert "nothing is shown or sent without it" in str(gone.exception)

    def test_a_list_that_comes_later_costs_no_answer(self, folder, client, rekognition, known):
        asking, place = (
            plan_asking(SavedDataset.open(folder), scratch=folder),
            RunFolder.at(folder / "run"),
        )
        begin(place, asking, QUESTION)
        task = predict.PredictionTask(place, predict.AskTask(QUESTION, "", "us-east-1", rekognition.url))
        for batch in list(predict._batches(asking, set(), lambda: FAST))[:2]:
            task(batch)
        screen_before_asking(folder, place, [known], reader=bytes)
        assert not (folder / "run" / "run.json").exists()
        assert (Dataset.load(folder).images["predicted"] != "").sum() == 11  # three are copies
        asking = plan_asking(SavedDataset.open(folder), scratch=folder)
        predict_saved(asking, place, QUESTION, client=client, tps=FAST)
        assert set(rekognition.pictures.values()) == {1}
