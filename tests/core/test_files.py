"""Files that somebody named: whole or not there, and what stands in the way is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from manifest_tools.core.errors import OutputError
from manifest_tools.core.files import writing


def write(path: Path, lines: Iterator[str]) -> None:
    with writing(path, "choose another file") as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.writelines(lines)


def unreadable() -> Iterator[str]:
    yield "half"
    raise OutputError("the journal cannot be read")


def test_a_file_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"^cannot write .*sheet\.csv: .*; choose another file$"):
        write(tmp_path / "nowhere" / "sheet.csv", iter(["never"]))


def test_what_fails_meanwhile_is_not_taken_for_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(OutputError, match=r"^the journal cannot be read$"):
        write(path, unreadable())
    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]
