"""The splitters in scikit-learn's protocol."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_validate

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


def deal(splitter, y, groups=None):
    return [test for _, test in splitter.split(np.zeros((len(y), 1)), y, groups)]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("seed", range(12))
def test_no_fold_is_empty_while_there_are_groups_enough(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.zipf(1.6, rng.integers(5, 12)).clip(1, 80)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    y = (rng.random((len(groups), 3)) < [0.5, 0.2, 0.05]).astype(int)
    tests = deal(MultilabelStratifiedGroupKFold(5, random_state=seed), y, groups)
    assert sorted(np.concatenate(tests)) == list(range(len(groups)))
    assert min(map(len, tests)) > 0
    assert sum(len(np.unique(groups[test])) for test in tests) == len(sizes)


def test_as_many_folds_as_rows_or_groups():
    y = np.array([[1, 1, 1], [0, 1, 1], [0, 1, 0], [1, 0, 0]])
    for seed in range(20):
        tests = deal(MultilabelStratifiedGroupKFold(4, random_state=seed), y)
        assert sorted(map(len, tests)) == [1, 1, 1, 1]
    groups = np.array([0] * 4 + [1, 2])
    with pytest.warns(UserWarning, match="they have 1 to 4 rows, as the largest group has 4"):
        tests = deal(MultilabelStratifiedGroupKFold(3, random_state=0), np.array([0, 1] * 3), groups)
    assert sorted(map(len, tests)) == [1, 1, 4]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("grouped", [False, True])
def test_a_rare_label_is_dealt_one_by_one(seed, grouped):
    rng = np.random.default_rng(seed)
    y = (rng.random((120, 5)) < [0.5, 0.3, 0.2, 0.1, 0]).astype(int)
    y[rng.choice(40, 5, replace=False) * 3, 4] = 1
    groups = np.arange(120) // 3 if grouped else None
    tests = deal(MultilabelStratifiedGroupKFold(5, random_state=seed), y, groups)
    assert [int(y[test, 4].sum()) for test in tests] == [1] * 5
    assert {len(test) for test in tests} == {24}


@pytest.mark.parametrize("seed", range(4))
def test_folds_are_as_even_as_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    classes = rng.choice(4, 150, p=[0.6, 0.25, 0.1, 0.05])
    groups = rng.integers(0, 40, 150)

    def uneven(splitter):
        tests = deal(splitter, classes, groups)
        counts = np.array([[len(test), *np.bincount(classes[test], minlength=4)] for test in tests])
        gaps = np.abs(counts - counts.mean(axis=0)).mean(axis=0)
        return gaps[0], gaps[1:].mean()

    ours = uneven(MultilabelStratifiedGroupKFold(5, random_state=seed))
    theirs = uneven(StratifiedGroupKFold(5, shuffle=True, random_state=seed))
    assert ours[0] <= theirs[0]
    assert ours[1] <= theirs[1] + 1e-9


def test_balance_that_gave_way_is_a_warning():
    y = np.zeros((40, 1), int)
    y[:20] = 1
    groups = np.r_[np.zeros(20), np.arange(20) + 1]
    with pytest.warns(UserWarning, match="some lack label 0"):
        deal(MultilabelStratifiedGroupKFold(4, random_state=0), y, groups)
    with pytest.warns(UserWarning, match="groups are too large for the test size: 1 rows instead of 12"):
        deal(MultilabelStratifiedGroupSplit(random_state=0), np.zeros((61, 1), int), np.arange(61) // 30)


def test_one_group_cannot_be_split(y):
    for splitter in (MultilabelStratifiedGroupSplit(), MultilabelStratifiedGroupKFold(2)):
        with pytest.raises(InputError, match="group"):
            deal(splitter, y, np.zeros(300))


@pytest.mark.parametrize("size", ["0.2", None, True, float("nan"), [0.2]])
def test_a_test_size_that_is_no_number(size, y):
    with pytest.raises(InputError, match="test_size must be a number"):
        deal(MultilabelStratifiedGroupSplit(test_size=size), y)


LABEL_TYPES = {
    "lists": lambda y: y.tolist(),
    "objects": lambda y: y.astype(object),
    "bool": lambda y: y.astype(bool),
    "frame": pd.DataFrame,
    "Int64": lambda y: pd.DataFrame(y).astype("Int64"),
    "Float64": lambda y: pd.DataFrame(y).astype("Float64"),
    "boolean": lambda y: pd.DataFrame(y).astype("boolean"),
    "arrow": lambda y: pd.DataFrame(y).astype("int64[pyarrow]"),
    "arrow bool": lambda y: pd.DataFrame(y).astype(bool).astype("bool[pyarrow]"),
    "bool beside int": lambda y: pd.DataFrame(
        {"a": y[:, 0].astype(bool)} | {str(i): y[:, i] for i in range(1, 5)}
    ),
    "pyarrow table": lambda y: pa.table({str(i): y[:, i] for i in range(5)}),
}


@pytest.mark.parametrize("make", LABEL_TYPES.values(), ids=LABEL_TYPES)
def test_the_same_labels_in_any_type_give_the_same_split(make, y):
    splitter = MultilabelStratifiedGroupSplit(random_state=0)
    expected = next(splitter.split(y, y, GROUPS))[1].tolist()
    assert next(splitter.split(np.zeros(300), make(y), GROUPS))[1].tolist() == expected


CLASS_TYPES = {
    "column": lambda c: c.reshape(-1, 1),
    "column of text": lambda c: np.array(["x", "y", "z"])[c].reshape(-1, 1),
    "Int64": lambda c: pd.Series(c).astype("Int64"),
    "string": lambda c: pd.Series(c).astype(str).astype("string"),
    "arrow string": lambda c: pd.Series(c).astype(str).astype("string[pyarrow]"),
    "category": lambda c: pd.Series(c).astype("category"),
    "frame of text": lambda c: pd.Series(c).astype(str).to_frame(),
    "arrow array": pa.array,
}


@pytest.mark.parametrize("make", CLASS_TYPES.values(), ids=CLASS_TYPES)
def test_the_same_classes_in_any_type_give_the_same_split(make):
    classes = np.random.default_rng(0).integers(0, 3, 300)
    splitter = MultilabelStratifiedGroupKFold(3, random_state=0)
    expected = [test.tolist() for test in deal(splitter, classes)]
    assert [test.tolist() for _, test in splitter.split(np.zeros(300), make(classes))] == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda g: g.reshape(-1, 1),
        lambda g: pd.Series(g).astype("Int64"),
        lambda g: g.astype(object),
        pa.array,
        lambda g: g.tolist(),
    ],
)
def test_the_same_groups_in_any_type_give_the_same_split(make, y):
    splitter = MultilabelStratifiedGroupSplit(random_state=0)
    expected = next(splitter.split(y, y, GROUPS))[1].tolist()
    assert next(splitter.split(y, y, make(GROUPS)))[1].tolist() == expected


def with_gap(values, gap):
    return [gap, *list(values)[1:]]


@pytest.mark.parametrize(
    ("labels", "groups", "told"),
    [
        ([["Alcohol"], [], ["Alcohol", "Violence"], ["Violence"]], None, "MultiLabelBinarizer"),
        ([{"Alcohol"}, set(), {"Violence"}, {"Alcohol"}], None, "MultiLabelBinarizer"),
        ([["Alcohol", "Safe"], ["Violence", "Safe"]] * 2, None, "MultiLabelBinarizer"),
        (with_gap([0, 1, 0, 1], np.nan), None, "y has no value in 1 of 4 rows"),
        (with_gap(["a", "b", "a", "b"], None), None, "y has no value in 1 of 4 rows"),
        (pd.Series(with_gap([0, 1, 0, 1], pd.NA), dtype="Int64"), None, "y has no value in 1 of 4 rows"),
        ([[0, np.nan], [1, 0], [0, 1], [1, 1]], None, "y has no value in 1 of 4 rows"),
        ([0, 1, 0, 1], with_gap([1, 2, 3, 4], np.nan), "groups has no value in 1 of 4 rows"),
        ([0, 1, 0, 1], with_gap(["a", "b", "c", "d"], None), "groups has no value in 1 of 4 rows"),
        ([0, 1, 0, 1], np.array([1, "a", 2, "b"], dtype=object), "names of one kind"),
    ],
)
def test_what_cannot_be_split_is_said_in_a_sentence(labels, groups, told):
    with pytest.raises(InputError, match=told):
        next(MultilabelStratifiedGroupSplit(test_size=0.5).split(np.zeros(4), labels, groups))


@pytest.mark.parametrize("splitter", SPLITTERS)
def test_groups_are_requested_where_metadata_is_routed(splitter, y):
    model = DummyClassifier(strategy="prior")
    with config_context(enable_metadata_routing=True):
        result = cross_validate(model, np.zeros((300, 1)), y, cv=splitter, params={"groups": GROUPS})
        assert len(result["test_score"]) == splitter.get_n_splits()
        search = GridSearchCV(model, {"strategy": ["prior"]}, cv=splitter).fit(
            np.zeros((300, 1)), y, groups=GROUPS
        )
        assert search.n_splits_ == splitter.get_n_splits()
