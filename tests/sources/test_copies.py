"""Copies of a file: what is said of one holds for the others that nobody spoke of."""

from __future__ import annotations

import pandas as pd
import pytest

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.copies import share_among_copies


def dataset(labels, predicted=()):
    images = pd.DataFrame({"image": ["a.jpg", "b.jpg", "c.jpg"], "sha256": ["1", "1", "2"]})
    images = images.assign(predicted=["v7" if name in predicted else "" for name in images["image"]])
    rows = [(image, label, source, True, None) for image, label, source in labels]
    table = pd.DataFrame(rows, columns=["image", "label", "source", "truth", "line"])
    return Dataset.from_tables(images, table)


def said(dataset):
    return sorted(zip(dataset.labels["image"], dataset.labels["label"], strict=True))


def test_a_copy_that_nobody_spoke_of_has_the_labels_of_the_other():
    shared = share_among_copies(dataset([("a.jpg", "Alcohol", "table")]), Policy())

    assert said(shared) == [("a.jpg", "Alcohol"), ("b.jpg", "Alcohol")]
    assert list(shared.images["judged"]) == ["scope", "scope", ""]


def test_answers_are_shared_too():
    shared = share_among_copies(dataset([("b.jpg", "Alcohol", "predictions")], ["b.jpg"]), Policy())

    assert said(shared) == [("a.jpg", "Alcohol"), ("b.jpg", "Alcohol")]
    assert list(shared.images["predicted"]) == ["v7", "v7", ""]


@pytest.mark.parametrize(
    "labels",
    [[], [("a.jpg", "Alcohol", "table"), ("b.jpg", "Safe", "table")], [("c.jpg", "Alcohol", "table")]],
)
def test_what_has_labels_of_its_own_keeps_them(labels):
    assert said(share_among_copies(dataset(labels), Policy())) == sorted(row[:2] for row in labels)
