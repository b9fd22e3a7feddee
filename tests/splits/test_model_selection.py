"""The splitters in scikit-learn's protocol."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, cross_validate

from manifest_tools.core.errors import InputError
from manifest_tools.splits.measures import count_deviation, groups_across
from manifest_tools.splits.model_selection import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedGroupSplit,
)


@pytest.fixture
def y():
    rng = np.random.default_rng(0)
    return (rng.random((300, 5)) < 0.4 / (1 + np.arange(5))).astype(int)


GROUPS = np.arange(300) // 2

SPLITTERS = [
    MultilabelStratifiedGroupSplit(n_splits=3, test_size=0.25, both_sides=True, random_state=1),
    MultilabelStratifiedGroupKFold(n_splits=4, random_state=1),
]


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_clone_and_parameters(splitter):
    copy = clone(splitter)
    assert copy.get_params() == splitter.get_params()
    assert copy.set_params(n_splits=2).get_n_splits() == 2
    assert repr(splitter).startswith(type(splitter).__name__)


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_each_row_is_on_one_side_and_groups_are_whole(splitter, y):
    splits = list(splitter.split(y, y, GROUPS))
    assert len(splits) == splitter.get_n_splits(y, y, GROUPS)
    for train, test in splits:
        assert sorted([*train, *test]) == list(range(300))
        assert groups_across(GROUPS, np.isin(np.arange(300), test)) == 0


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_usable_as_cv(splitter, y):
    model = DummyClassifier(strategy="prior")
    result = cross_validate(model, np.zeros((300, 1)), y, cv=splitter, groups=GROUPS)
    assert len(result["test_score"]) == splitter.get_n_splits()
    search = GridSearchCV(model, {"strategy": ["prior", "most_frequent"]}, cv=splitter)
    assert search.fit(np.zeros((300, 1)), y, groups=GROUPS).n_splits_ == splitter.get_n_splits()


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_an_int_gives_the_same_splits_every_time(splitter, y):
    once, again = ([test.tolist() for _, test in splitter.split(y, y)] for _ in range(2))
    assert once == again
    assert len({tuple(test) for test in once}) == len(once)


def test_a_generator_gives_other_splits_every_time(y):
    splitter = MultilabelStratifiedGroupSplit(random_state=np.random.RandomState(0))
    first, second = (next(splitter.split(y, y))[1].tolist() for _ in range(2))
    assert first != second


def test_shares_are_kept_by_each_split(y):
    for train, test in MultilabelStratifiedGroupSplit(n_splits=3, random_state=0).split(y, y):
        assert len(test) == 60
        assert len(train) == 240
        assert count_deviation(y, np.isin(np.arange(300), test), 0.2).max() < 1


def test_folds_partition_the_rows_and_share_every_label(y):
    tests = [test for _, test in MultilabelStratifiedGroupKFold(5, random_state=0).split(y, y)]
    assert sorted(np.concatenate(tests)) == list(range(300))
    assert {len(test) for test in tests} == {60}
    for test in tests:
        assert count_deviation(y, np.isin(np.arange(300), test), 0.2).max() <= 1.2


def test_classes_and_sparse_labels():
    classes = np.array(["cat", "dog", "eel"])[np.arange(90) % 3]
    _, test = next(MultilabelStratifiedGroupSplit(random_state=0).split(classes, classes))
    assert np.unique(classes[test], return_counts=True)[1].tolist() == [6, 6, 6]
    y = sparse.csr_matrix(np.eye(3, dtype=int)[np.arange(90) % 3])
    _, same = next(MultilabelStratifiedGroupSplit(random_state=0).split(np.zeros(90), y))
    assert same.tolist() == test.tolist()


def test_a_rare_label_is_covered_when_asked_for():
    y = np.zeros((100, 1), int)
    y[[3, 70]] = 1
    _, test = next(MultilabelStratifiedGroupSplit(random_state=0).split(y, y))
    assert y[test].sum() == 0  # two rows: the fair share is 0.4
    _, test = next(MultilabelStratifiedGroupSplit(both_sides=True, random_state=0).split(y, y))
    assert y[test].sum() == 1


@pytest.mark.parametrize(
    ("splitter", "words"),
    [
        (MultilabelStratifiedGroupSplit(n_splits=0), "n_splits"),
        (MultilabelStratifiedGroupSplit(test_size=2.0), "test_size"),
        (MultilabelStratifiedGroupKFold(n_splits=1), "n_splits"),
        (MultilabelStratifiedGroupKFold(n_splits=301), "as many groups"),
    ],
)
def test_misuse(splitter, words, y):
    with pytest.raises(InputError, match=words):
        list(splitter.split(y, y))


def test_labels_are_needed():
    with pytest.raises(InputError, match="y is missing"):
        next(MultilabelStratifiedGroupSplit().split(np.zeros(4)))
    with pytest.raises(ValueError, match="inconsistent"):
        next(MultilabelStratifiedGroupSplit().split(np.zeros(4), np.zeros((5, 1), int)))
