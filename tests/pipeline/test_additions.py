"""What people said of images on which adapter and base model differ comes into the next round."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import REVIEW
from manifest_tools.findings.policy import Policy
from manifest_tools.pipeline.prepare import prepare
from manifest_tools.review.entries import Said
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession
from tests.pictures import save

POLICY = Policy(min_test_images=1)


@pytest.fixture
def place(tmp_path):
    """Photographs with labels, and a folder of four disagreements, two of whose files are among the photographs."""
    for number in range(6):
        save(tmp_path / "photos" / f"{number}.png", number)
    (tmp_path / "labels.csv").write_text("image,label\n" + "".join(f"{n}.png,Alcohol\n" for n in range(6)))
    traffic = tmp_path / "traffic"
    for name, seed in (("0.png", 0), ("1.png", 50), ("new.png", 51), ("later.png", 52)):
        save(traffic / name, seed)
    names = sorted(path.name for path in traffic.iterdir())
    images = pd.DataFrame({"image": names, "uri": names, "predicted": "7.0", "min_confidence": 5.0})
    labels = pd.DataFrame(
        {"image": names, "label": "Violence", "source": "predictions", "score": 90.0, "truth": pd.NA}
    )
    told = {name: ["Violence", "Gambling"] for name in names}
    folder = tmp_path / "moderated" / "disagreements"
    Dataset.from_tables(images, labels, root=str(traffic), sources={"disagreements": {"labels": told}}).save(
        folder
    )
    return tmp_path


def review(folder, answers, reviewer="ana"):
    desk = ReviewSession(folder, reviewer)
    for name, said in answers.items():
        desk.answer(desk.state.position[name], said)


def run(place, *added, **options):
    return prepare(
        place / "photos", labels=place / "labels.csv", to="s3://bucket/demo", out=place / "out", policy=POLICY,
        add=added, **options,
    ).dataset  # fmt: skip


def truth(dataset, image):
    rows = dataset.labels[
        (dataset.labels["image"] == image) & dataset.labels["source"].str.startswith(REVIEW)
    ]
    return dict(zip(rows["label"], rows["truth"].astype(bool), strict=True))


NO, YES = [Said("Violence", False)], [Said("Gambling", True)]


def test_the_queue_asks_about_the_labels_that_the_models_do_not_agree_on(place):
    desk = ReviewSession(place / "moderated" / "disagreements", "ana")
    assert len(desk.queue(Filter())) == 4
    questions = desk.item(0)["questions"]
    assert {(one["label"], one["differing"], one["said"]) for one in questions} == {
        ("Violence", True, True),
        ("Gambling", True, False),  # the adapter alone
    }
    desk.answer(0, [*NO, *YES])
    assert len(desk.queue(Filter())) == 3


def test_reviewed_disagreements_come_in_with_what_was_said_of_them(place):
    folder = place / "moderated" / "disagreements"
    review(folder, {"0.png": NO, "1.png": YES, "new.png": NO})
    dataset = run(place, folder)
    assert set(dataset.images["image"]) == {*(f"{n}.png" for n in range(6)), "moderated/1.png", "new.png"}
    # the same file; a new one
    assert truth(dataset, "0.png") == truth(dataset, "new.png") == {"Violence": False}
    assert truth(dataset, "moderated/1.png") == {"Gambling": True}  # another picture of the same name
    assert truth(dataset, "1.png") == {}
    asked = dataset.images.set_index("image")["predicted"]
    assert {name for name, model in asked.items() if model} == {"0.png", "moderated/1.png", "new.png"}
    assert not dataset.images["decode_error"].any()
    assert '"s3://bucket/demo/new.png"' in "".join(p.read_text() for p in (place / "out").glob("*.manifest"))


def test_the_same_round_again_changes_nothing_and_newer_answers_count(place):
    folder = place / "moderated" / "disagreements"
    review(folder, {"0.png": NO, "new.png": NO})
    run(place, folder)
    once = Dataset.load(place / "out")
    assert run(place, folder).equals(run(place, folder))
    assert truth(once, "new.png") == {"Violence": False}
    review(folder, {"new.png": [Said("Violence", True)]})
    assert truth(run(place, folder), "new.png") == {"Violence": True}
    review(place / "out", {"new.png": [Said("Violence", False)]})  # here, by the same reviewer
    dataset = run(place, folder)
    assert truth(dataset, "new.png") == {"Violence": False}
    assert not dataset.labels.duplicated(["image", "label", "source"]).any()


def test_answers_stay_when_the_folder_is_not_given_any_more(place):
    folder = place / "moderated" / "disagreements"
    review(folder, {"0.png": NO})
    run(place, folder)
    shutil.rmtree(folder)
    assert truth(run(place), "0.png") == {"Violence": False}


def test_a_folder_that_holds_no_data_set_or_another_taxonomy(place):
    with pytest.raises(InputError, match="holds no data set"):
        run(place, place / "traffic")
    Dataset.from_tables(pd.DataFrame({"image": ["a"]}), taxonomy="6.1").save(place / "old")
    with pytest.raises(InputError, match=r"is of taxonomy 6\.1"):
        run(place, place / "old")
