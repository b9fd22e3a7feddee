"""The main job on published pictures."""

from __future__ import annotations

import pytest

from manifest_tools import prepare
from tests.pipeline.test_prepare import TO, both
from tests.with_data import DATA


@pytest.mark.slow
def test_the_real_pictures_split_as_promised(tmp_path):
    dataset, _ = prepare(
        DATA / "openclipart-moderation" / "images",
        labels=DATA / "openclipart-moderation" / "labels.csv",
        to=TO,
        out=tmp_path / "out",
    )
    written = both(tmp_path / "out")
    used = dataset.images[dataset.images["split"] != ""]
    assert len(written) == len(used)
    assert used.groupby("group")["split"].nunique().max() == 1
    largest = used["group"].value_counts().max()
    assert abs((used["split"] == "test").sum() - 0.2 * len(used)) <= largest
    said = dataset.labels.merge(used[["image", "split", "group"]], on="image")
    for label, rows in said[said["label"] != "Safe"].groupby("label"):
        if rows["group"].nunique() >= 2:
            assert set(rows["split"]) == {"train", "test"}, label
