"""The data set: tables completed and sorted, saved and loaded without loss, fingerprints."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.tables import IMAGE_COLUMNS, LABEL_COLUMNS

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def small() -> Dataset:
    images = pd.DataFrame({"image": ["b #1.jpg", "a.jpg", "ü\n.png"], "width": [3, 4, 5]})
    labels = pd.DataFrame(
        {"image": ["b #1.jpg", "a.jpg"], "label": ["Alcohol", "Safe"], "source": "table", "truth": True}
    )
    return Dataset.from_tables(images, labels, root="/pictures", scope=("Alcohol",))


def test_tables_are_completed_typed_and_sorted():
    dataset = small()
    assert list(dataset.images.columns) == list(IMAGE_COLUMNS)
    assert list(dataset.labels.columns) == list(LABEL_COLUMNS)
    assert list(dataset.images["image"]) == ["a.jpg", "b #1.jpg", "ü\n.png"]
    assert list(dataset.images["width"]) == [4, 3, 5]
    assert dataset.labels["truth"].dtype == "boolean"


def test_a_step_leaves_its_input_alone_and_is_remembered():
    before = small()
    after = before.step("grow", images=before.images.assign(width=9), options={"by": 2})
    assert list(before.images["width"]) == [4, 3, 5]
    assert before.history == ()
    assert after.history[0]["step"] == "grow"
    assert after.history[0]["options"] == {"by": 2}
    assert after.history[0]["fingerprint"] == after.fingerprint()


def test_equal_data_sets_have_the_same_tables_and_the_same_of_everything_else():
    dataset = small()
    assert dataset == small()
    assert dataset.equals(small())
    others = [
        replace(dataset, images=dataset.images.assign(width=9)),
        replace(dataset, labels=dataset.labels.iloc[:1]),
        replace(dataset, taxonomy="6.1"),
        replace(dataset, scope=()),
        dataset.step("nothing"),
    ]
    for other in (*others, "a text", None):
        assert dataset != other
        assert not dataset.equals(other)
    with pytest.raises(TypeError, match="unhashable"):
        hash(dataset)


def test_nothing_known_is_equal_to_nothing_known():
    images = pd.DataFrame({"image": ["a.jpg"], "min_confidence": [None]})
    assert Dataset.from_tables(images) == Dataset.from_tables(images.copy())


def test_a_data_set_prints_in_a_few_lines():
    lines = repr(small().step("read")).splitlines()
    assert lines[0] == "Dataset: 3 images, 2 label rows from 1 source"
    assert lines[1] == "Taxonomy 7. Steps: read"
    assert len(lines) == 2 + 1 + 3  # a heading and a row for each image, even if its name has a line feed
    many = Dataset.from_tables(pd.DataFrame({"image": [f"{'x' * 300}{n}.jpg" for n in range(1000)]}))
    assert max(map(len, repr(many).splitlines())) < 120
    assert len(repr(many).splitlines()) < 10
    assert repr(Dataset.from_tables(pd.DataFrame({"image": []}))).startswith("Dataset: 0 images")


def test_saving_writes_the_three_files_and_nothing_else(tmp_path):
    small().save(tmp_path)
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["dataset/dataset.json", "dataset/images.parquet", "dataset/labels.parquet"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(TEXT, TEXT, st.booleans(), st.floats(0, 100)), max_size=5, unique_by=lambda row: row[0]
    )
)
def test_what_is_saved_is_loaded(tmp_path, rows):
    images = pd.DataFrame({"image": [row[0] for row in rows]})
    labels = pd.DataFrame(rows, columns=["image", "label", "truth", "score"]).assign(source="table")
    dataset = Dataset.from_tables(images, labels, scope=("Violence",)).step("read", options={"x": "ü"})
    dataset.save(tmp_path)
    loaded = Dataset.load(tmp_path)
    pd.testing.assert_frame_equal(loaded.images, dataset.images)
    pd.testing.assert_frame_equal(loaded.labels, dataset.labels)
    assert (loaded.scope, loaded.history, loaded.fingerprint()) == (
        dataset.scope,
        dataset.history,
        dataset.fingerprint(),
    )


def test_the_fingerprint_tells_values_apart_and_nothing_else():
    dataset = small()
    shuffled = Dataset.from_tables(dataset.images.iloc[::-1], dataset.labels.iloc[::-1], root="/elsewhere")
    assert shuffled.fingerprint() == dataset.fingerprint()
    changed = dataset.images.assign(width=[4, 3, 6])
    assert Dataset.from_tables(changed, dataset.labels).fingerprint() != dataset.fingerprint()


def test_columns_that_are_not_ours_survive(tmp_path):
    images = pd.DataFrame({"image": ["a.jpg"], "camera": ["x100"]})
    Dataset.from_tables(images).save(tmp_path)
    assert list(Dataset.load(tmp_path).images["camera"]) == ["x100"]


def test_a_folder_without_a_data_set_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no data set"):
        Dataset.load(tmp_path)


def test_a_broken_data_set_is_refused(tmp_path):
    small().save(tmp_path)
    (tmp_path / "dataset" / "images.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="cannot be read"):
        Dataset.load(tmp_path)


@pytest.mark.parametrize("change", [{"scope": "Alcohol"}, {"history": {}}, {"taxonomy": None}])
def test_a_document_of_another_shape_is_refused_with_the_place(tmp_path, change):
    small().save(tmp_path)
    path = tmp_path / "dataset" / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=rf"at \$\.{next(iter(change))}"):
        Dataset.load(tmp_path)


@pytest.mark.parametrize("text", ["[]", "7", "{", "{}", '{"format": "x"}'])
def test_what_is_no_document_is_refused(tmp_path, text):
    small().save(tmp_path)
    (tmp_path / "dataset" / "dataset.json").write_text(text)
    with pytest.raises(InputError, match="cannot be read"):
        Dataset.load(tmp_path)


def test_a_data_set_of_a_newer_library_is_refused(tmp_path):
    small().save(tmp_path)
    path = tmp_path / "dataset" / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(InputError, match="upgrade"):
        Dataset.load(tmp_path)


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        small().save(tmp_path / "file")
