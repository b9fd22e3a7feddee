"""Images of one seller, folder or video stay on one side of the split, with their look-alikes."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_tools import prepare
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.split_groups import group_by_columns
from manifest_tools.findings.policy import Policy
from manifest_tools.pipeline.split import split_folder, split_manifest
from manifest_tools.splits.step import split_dataset, split_report
from tests.pictures import save
from tests.rules.samples import data

TO = "s3://bucket/in"
FEW = Policy(min_false_positives=5, min_test_images=4)


def write(folder, images, *, copies=()):
    """Save pictures with a label and an uploader each; `copies` are (name, of)."""
    rows = []
    for seed, (name, label, uploader) in enumerate(images):
        save(folder / "images" / name, seed)
        rows.append((name, label, uploader))
    for name, of in copies:
        (folder / "images" / name).write_bytes((folder / "images" / of).read_bytes())
    pd.DataFrame(rows, columns=["file", "labels", "uploader"]).to_csv(folder / "labels.csv", index=False)
    return folder


@pytest.fixture
def folder(tmp_path):
    """Thirty pictures of ten uploaders, three each; each has one of alcohol."""
    images = [(f"{n % 10}/{n:02}.png", "Alcohol" if n < 10 else "Safe", f"u{n % 10}") for n in range(30)]
    return write(tmp_path, images)


def run(folder, **options):
    options = {"workers": 1, "policy": FEW, "labels": folder / "labels.csv"} | options
    return prepare(folder / "images", to=TO, out=folder / "out", **options)


def sides(dataset, column="uploader"):
    used = dataset.images[dataset.images["split"] != ""]
    return used.groupby(column)["split"].nunique()


def test_no_uploader_stands_on_both_sides(folder):
    done = run(folder, group_by=["uploader"])

    assert (sides(done.dataset) == 1).all()
    assert set(done.dataset.images["split"]) == {"train", "test"}
    assert done.report.facts["groups"]["groups"] == 10
    assert done.report.facts["images"]["different"] == 10  # effective counts go by these groups


def test_look_alikes_join_the_groups_of_two_uploaders(tmp_path):
    images = [(f"{n:02}.png", "Alcohol" if n % 2 else "Safe", f"u{n // 3}") for n in range(18)]
    folder = write(tmp_path, [*images, ("99.png", "Safe", "u5")], copies=[("99.png", "00.png")])
    done = run(folder, group_by=["uploader"])

    names = done.dataset.images.set_index("image")["split_group"]
    assert names["00.png"] == names["99.png"] == names["17.png"] == "00.png"
    assert done.dataset.images.set_index("image")["group"]["17.png"] == "17.png"  # looks are another thing
    large = [item for item in done.report.findings if item.code == "group-large"]
    assert "uploader u0, u5" in large[0].message


def test_folders_are_groups_too(folder):
    done = run(folder, group_by=["folders"])

    assert (sides(done.dataset, "folder") == 1).all()


def test_a_file_of_groups_needs_no_label_table_to_have_them(folder):
    pd.DataFrame(
        [(f"{n % 10}/{n:02}.png", f"v{n % 5}", n) for n in range(30)], columns=["file", "video", "time"]
    ).to_csv(folder / "frames.csv", index=False)
    with pytest.raises(InputError, match=r"several columns may be meant; name one of 'video', 'time'"):
        run(folder, group_by=[str(folder / "frames.csv")])
    for option in ("group_by", "slices"):
        with pytest.raises(InputError, match=r"none.csv: there is no such file; --group-by and --slice take"):
            run(folder, **{option: [str(folder / "none.csv")]})
    done = run(folder, group_by=[f"{folder / 'frames.csv'}:video"])

    assert (sides(done.dataset, "video") == 1).all()
    assert done.report.facts["groups"]["groups"] == 5


@pytest.mark.parametrize(
    ("name", "said"), [("seller", "no file of labels has a column 'seller'"), ("no.csv", "no such file")]
)
def test_what_is_not_there_is_refused(folder, name, said):
    with pytest.raises(InputError, match=said):
        run(folder, group_by=[name])


def test_an_image_without_a_value_stands_alone(tmp_path):
    images = [(f"{n:02}.png", "Alcohol" if n % 2 else "Safe", "u1" if n < 3 else "n/a") for n in range(20)]
    done = run(write(tmp_path, images), group_by=["uploader"])

    assert done.report.facts["groups"]["without_value"] == 17
    assert done.report.facts["groups"]["groups"] == 18


def test_a_prepared_folder_is_grouped_anew_and_stays_so(folder):
    run(folder, keep=["uploader"])
    split_folder(folder / "out", group_by=["uploader"])
    dataset = Dataset.load(folder / "out")
    assert (sides(dataset) == 1).all()
    split_folder(folder / "out", seed=3)
    assert (sides(Dataset.load(folder / "out")) == 1).all()
    with pytest.raises(InputError, match=r"--group-by seller: no such column is kept; kept are: 'uploader'"):
        split_folder(folder / "out", group_by=["seller"])


def test_new_images_follow_the_locked_ones_of_their_group(folder):
    locked = run(folder, group_by=["uploader"], lock=True).dataset.images
    side = locked.groupby("uploader")["split"].first()
    table = pd.read_csv(folder / "labels.csv")
    for number in range(10):
        save(folder / "images" / "new" / f"{number}.png", 100 + number)
    new = pd.DataFrame(
        {
            "file": [f"new/{n}.png" for n in range(10)],
            "labels": "Safe",
            "uploader": [f"u{n}" for n in range(10)],
        }
    )
    pd.concat([table, new]).to_csv(folder / "labels.csv", index=False)
    images = run(folder, group_by=["uploader"]).dataset.images.set_index("image")

    assert [images["split"][f"new/{n}.png"] for n in range(10)] == [side[f"u{n}"] for n in range(10)]


def test_new_images_of_a_group_that_is_locked_on_both_sides_are_left_out_and_told(folder):
    images = run(folder, lock=True).dataset.images
    done = run(folder, group_by=["uploader"])
    assert done.dataset.images["split"].tolist() == images["split"].tolist()  # what is locked stays
    across = [item for item in done.report.findings if item.code == "group-across-splits"]
    assert across
    assert not done.report.passed
    torn = across[0].message.split("uploader ")[1].split(":")[0]
    save(folder / "images" / "new.png", 200)
    with (folder / "labels.csv").open("a") as file:
        file.write(f"new.png,Safe,{torn}\n")
    done = run(folder, group_by=["uploader"])

    assert done.dataset.images.set_index("image")["split"]["new.png"] == ""
    told = [item for item in done.report.findings if item.location.image == "new.png"]
    assert [(item.code, item.left_out) for item in told] == [("group-across-splits", True)]


def test_a_manifest_is_split_by_a_table_of_its_references(tmp_path):
    def line(number):
        entries = [{"Name": "Alcohol"}] if number % 2 else []
        return {
            "source-ref": f"s3://bucket/{number:02}.jpg",
            "content-moderation-groundtruth": {"ModerationLabels": entries},
        }

    (tmp_path / "all.manifest").write_text("".join(json.dumps(line(n)) + "\n" for n in range(40)))
    rows = [(f"s3://bucket/{n:02}.jpg", f"v{n // 4}") for n in range(40)]
    pd.DataFrame(rows, columns=["source-ref", "video"]).to_csv(tmp_path / "videos.csv", index=False)
    report = split_manifest(
        tmp_path / "all.manifest", out=tmp_path / "out", group_by=[str(tmp_path / "videos.csv")], policy=FEW
    )

    test = [
        json.loads(text)["source-ref"]
        for text in (tmp_path / "out" / "test.manifest").read_text().splitlines()
    ]
    video = dict(rows)
    assert len(test) == 8
    assert len({video[ref] for ref in test}) == 2
    assert not [item for item in report.findings if item.code == "group-across-splits"]


def test_what_groups_keep_from_being_even_is_told(tmp_path):
    images = {f"{n:02}.jpg": {"who": f"u{n // 10}"} for n in range(60)}
    truth = [(key, "Alcohol" if number < 20 else "Safe", True) for number, key in enumerate(images)]
    dataset = group_by_columns(data(images, truth, scope=("Alcohol",)), ["who"])
    told = split_dataset(dataset, test_size=0.25, min_test=5).sources["split"]["uneven"]

    assert [(one["label"], one["groups"], one["largest"]) for one in told] == [("Alcohol", 2, 10)]
    assert "uneven" not in split_dataset(data(images, truth, scope=("Alcohol",)), min_test=5).sources["split"]


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab "), st.sampled_from("xyz "), st.booleans()), min_size=6, max_size=40
    )
)
def test_groups_are_components_and_never_torn(rows):
    images = {f"{n:02}.jpg": {"one": one.strip(), "two": two.strip()} for n, (one, two, _) in enumerate(rows)}
    truth = [
        (f"{n:02}.jpg", "Alcohol" if alcohol else "Safe", True) for n, (_, _, alcohol) in enumerate(rows)
    ]
    dataset = group_by_columns(data(images, truth, scope=("Alcohol",)), ["one", "two"])
    table = dataset.images

    for column in ("one", "two"):
        assert (table[table[column] != ""].groupby(column)["split_group"].nunique() < 2).all()
    assert split_report(split_dataset(dataset, min_test=1)).groups_across == 0
    shuffled = group_by_columns(dataset, ["two", "one"]).images["split_group"]
    assert shuffled.tolist() == table["split_group"].tolist()
