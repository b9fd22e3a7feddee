"""Pictures that people found to be no look-alikes stay apart, whatever they are called later."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.duplicates.apart import keep_apart, remembered_pairs
from manifest_tools.pipeline.inspect import inspect
from manifest_tools.pipeline.prepare import prepare
from tests.pictures import picture, save

NAMES = ["a.png", "b.png", "c.png", "d.png", "e.png"]


@pytest.fixture
def dataset():
    digests = [f"{number:064x}" for number in (1, 2, 3, 4, 4)]
    return Dataset.from_tables(
        pd.DataFrame({"image": NAMES, "sha256": digests, "group": ["a.png"] * 3 + ["d.png"] * 2})
    )


def pairs(path, *rows):
    path.write_text("image,other\n" + "".join(f"{one},{other}\n" for one, other in rows))
    return path


def groups(dataset):
    return dict(zip(dataset.images["image"], dataset.images["group"], strict=True))


def test_named_pairs_are_parted_and_no_others(dataset, tmp_path):
    parted = keep_apart(dataset, [pairs(tmp_path / "p.csv", ("b.png", "a.png"))])
    assert groups(parted) == {
        "a.png": "a.png",
        "b.png": "b.png",
        "c.png": "a.png",
        "d.png": "d.png",
        "e.png": "d.png",
    }
    assert keep_apart(dataset) is dataset
    again = keep_apart(dataset, remembered=remembered_pairs(parted))
    assert groups(again) == groups(parted)
    parted.save(tmp_path / "out")
    assert remembered_pairs(Dataset.load_frame(tmp_path / "out")) == remembered_pairs(parted)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,other\na.png,nowhere.png\n", "line 2: image 'nowhere.png' is not there"),
        ("image,other\nd.png,e.png\n", "have the same bytes"),
        ("image\na.png\n", "no column 'other'"),
        ("", "cannot be read"),
    ],
)
def test_what_cannot_be_a_pair_is_refused(dataset, tmp_path, text, said):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        keep_apart(dataset, [tmp_path / "p.csv"])


def test_it_is_remembered_from_round_to_round_by_content(tmp_path):
    save(tmp_path / "photos" / "one.png", 1)
    picture(1).resize((200, 160)).save(tmp_path / "photos" / "two.png")
    save(tmp_path / "photos" / "other.png", 2)
    out, file = tmp_path / "out", pairs(tmp_path / "p.csv", ("one.png", "two.png"))

    def alike(dataset):
        return groups(dataset)["two.png" if "two.png" in groups(dataset) else "renamed.png"]

    def run(**options):
        return prepare(tmp_path / "photos", to="s3://bucket/x", out=out, **options).dataset

    assert alike(run()) == "one.png"
    assert alike(run(not_alike=[file])) == "two.png"
    shutil.move(tmp_path / "photos" / "two.png", tmp_path / "photos" / "renamed.png")
    assert alike(run()) == "renamed.png"


def test_inspect_writes_a_page_with_findings_and_look_alikes(tmp_path):
    save(tmp_path / "photos" / "one.png", 1)
    picture(1).resize((200, 160)).save(tmp_path / "photos" / "two.png")
    inspect(tmp_path / "photos", out=tmp_path / "out", thumbnails="hidden")
    page = (tmp_path / "out" / "inspect.html").read_text(encoding="utf-8")
    assert page.count('class="together"') == page.count('class="part needs-script"') == 1
    inspect(
        tmp_path / "photos",
        out=tmp_path / "out",
        not_alike=[pairs(tmp_path / "p.csv", ("one.png", "two.png"))],
    )
    inspect(tmp_path / "photos", out=tmp_path / "out")  # remembered
    page = (tmp_path / "out" / "inspect.html").read_text(encoding="utf-8")
    assert 'class="together"' not in page
