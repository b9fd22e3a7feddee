"""Keys that stand twice, wherever they are and however they are written."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.manifests.validation.json_syntax import duplicate_keys, has_duplicate_keys


class Pairs(list):
    """An object as its members, so that a key can stand twice."""


TEXT = st.text(st.sampled_from('ab"\\\u00e9/\n{}[],:'), max_size=4)
VALUES = st.recursive(
    st.none() | st.integers(-5, 5) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(TEXT, inner), max_size=4).map(Pairs),
    max_leaves=10,
)


def written(value):
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(item)}" for key, item in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


def repeated(value):
    if not isinstance(value, list):
        return 0
    keys = [key for key, _ in value] if isinstance(value, Pairs) else []
    inner = [item for _, item in value] if isinstance(value, Pairs) else value
    return len(keys) - len(set(keys)) + sum(map(repeated, inner))


@given(VALUES)
def test_repeated_keys_are_found_exactly(value):
    text = written(value).encode()
    assert has_duplicate_keys(text, orjson.loads(text)) == (repeated(value) > 0)
    assert len(list(duplicate_keys(text))) == repeated(value)


@pytest.mark.parametrize("depth", [10, 300, 1000])
def test_depth_does_not_matter(depth):
    for inner, wanted in (('{"a": 1, "a": 2}', True), ('{"a": 1, "b": 2}', False)):
        text = ("[" * depth + inner + "]" * depth).encode()
        assert has_duplicate_keys(text, orjson.loads(text)) is wanted


def test_the_place_of_a_repeated_key():
    (problem,) = duplicate_keys(b'{"x": [0, {"a/b": 1, "c": {}, "a\\u002fb": 2}]}')
    assert (problem.field, problem.data["key"], problem.data["column"]) == ("/x/1/a~1b", "a/b", 31)
