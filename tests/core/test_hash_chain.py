"""The chain of hashes: whatever is changed in a file of lines shows, and what was not does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.core.hash_chain import HashChain, Link, chained_anew
from manifest_tools.core.journal import JournalFile

RECORDS = [{"number": n, "said": "Alcohol ü\n"} for n in range(1, 5)]


def links(data):
    chain = HashChain()
    return [chain.take(line) for line in data.splitlines(keepends=True)]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "journal.jsonl"
    for record in RECORDS:  # a writer each
        journal = JournalFile(path, chained=True)
        with journal.locked():
            journal.read()
            journal.append([record])
    return path


def test_what_was_written_is_whole_and_reads_back(path):
    assert links(path.read_bytes()) == [Link.WHOLE] * 4
    assert [record | {"chain": ""} for record in JournalFile(path).read()[1]] == [
        record | {"chain": ""} for record in RECORDS
    ]


def test_every_changed_byte_shows(path):
    whole = path.read_bytes()
    for place, byte in enumerate(whole):
        changed = whole[:place] + bytes([byte ^ 1]) + whole[place + 1 :]
        assert links(changed) != [Link.WHOLE] * 4


@pytest.mark.parametrize("change", [
    lambda lines: lines[1:], lambda lines: [*lines[:1], *lines[2:]], lambda lines: [lines[1], lines[0], *lines[2:]],
    lambda lines: [*lines[:2], lines[1], *lines[2:]], lambda lines: [*lines[:2], b'{"number":9}\n', *lines[2:]],
])  # fmt: skip
def test_lines_that_go_move_or_come_show(path, change):
    lines = change(path.read_bytes().splitlines(keepends=True))
    assert set(links(b"".join(lines))) != {Link.WHOLE}


def test_a_file_that_was_begun_without_a_chain_is_covered_by_it_from_then_on(tmp_path):
    path = tmp_path / "journal.jsonl"
    for chained in (False, False, True, True):
        journal = JournalFile(path, chained=chained)
        journal.read()
        journal.append([{"number": 1}])
    old = path.read_bytes()
    assert links(old) == [Link.NONE, Link.NONE, Link.WHOLE, Link.WHOLE]
    assert links(old.replace(b"1", b"2", 1)) == [Link.NONE, Link.NONE, Link.BROKEN, Link.WHOLE]


@given(
    st.lists(st.sampled_from([b'{"a":1}', b"", b"x", b'{"b":2}']), max_size=6), st.sampled_from([b"", b"\n"])
)
def test_lines_that_are_chained_anew_are_whole(lines, end):
    chain = HashChain()
    data = b"\n".join(chain.link(line) if line.startswith(b'{"a') else line for line in lines) + end
    removed = b"\n".join(data.split(b"\n")[1:])
    assert Link.BROKEN not in links(chained_anew(removed))
    assert chained_anew(data).count(b"\n") == data.count(b"\n")
