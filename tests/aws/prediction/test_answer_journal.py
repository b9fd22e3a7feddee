from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.aws.prediction.answer_journal import answer_journal
from manifest_tools.core.errors import InputError, OutputError, SurroundingsWarning

RECORDS = [{"picture": "a"}, {"picture": "ü#% \n", "answer": {"n": [1, 2.5, None]}}, {"picture": "c"}]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "x.journal"


def written(path, records):
    with answer_journal(path) as journal:
        journal.append(records)
    return path.read_bytes()


def test_what_was_appended_is_there_the_next_time(path):
    written(path, RECORDS[:1])
    written(path, RECORDS[1:])
    with answer_journal(path) as journal:
        assert journal.records == RECORDS


def test_records_are_on_disk_before_the_journal_is_closed(path):
    with answer_journal(path) as journal:
        journal.append(RECORDS)
        assert path.read_bytes().count(b"\n") == len(RECORDS)


@pytest.mark.filterwarnings("ignore::manifest_tools.core.errors.SurroundingsWarning")
@given(st.data())
def test_a_torn_end_costs_the_torn_line_alone(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("torn") / "x.journal"
    whole = written(path, RECORDS)
    length = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:length])
    kept = whole[: length + 1].count(b"\n")  # without its line end a record is whole
    with answer_journal(path) as journal:
        assert journal.records == RECORDS[:kept]
        journal.append([{"picture": "later"}])
    with answer_journal(path) as journal:
        assert journal.records == [*RECORDS[:kept], {"picture": "later"}]


def test_lines_that_cannot_be_read_are_passed_over(path):
    written(path, RECORDS[:1])
    path.write_bytes(path.read_bytes() + b"\x00\x00\x00\n[1]\n")
    with pytest.warns(SurroundingsWarning) as told:
        written(path, RECORDS[1:2])
    assert [str(each.message).partition("x.journal:")[2][:2] for each in told] == ["2:", "3:"]
    with pytest.warns(SurroundingsWarning), answer_journal(path) as journal:
        assert journal.records == RECORDS[:2]


def test_fresh_begins_anew_and_replaces_when_it_is_finished(path):
    written(path, RECORDS)
    before = path.read_bytes()
    new = [{**record, "anew": True} for record in RECORDS]
    with answer_journal(path, fresh=True) as journal:
        assert journal.records == []
        journal.append(new[:1])
    assert path.read_bytes() == before
    with answer_journal(path, fresh=True) as journal:
        assert journal.records == new[:1]
        journal.append(new[1:])
        journal.finish()
    with answer_journal(path) as journal:
        assert journal.records == new


def test_fresh_leaves_the_answers_to_other_questions(path):
    other, ours = {"question": "other", "picture": "a"}, {"question": "ours", "picture": "a"}
    written(path, [other, ours])
    with answer_journal(path, fresh=True) as journal:
        journal.append([ours | {"anew": True}])
        journal.finish()
    with answer_journal(path) as journal:
        assert journal.records == [ours | {"anew": True}, other]


def test_two_runs_do_not_share_a_journal(path):
    with (
        answer_journal(path),
        pytest.raises(InputError, match="in use by another run"),
        answer_journal(path),
    ):
        pass
    with answer_journal(path):
        pass


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match="cannot be written"),
        answer_journal(tmp_path / "file" / "x.journal"),
    ):
        pass
