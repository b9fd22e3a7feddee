"""Files of an output folder without some images: whatever lines, rows and entries name one of them go, the rest stays."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from manifest_tools.core.csv_cells import write_csv
from manifest_tools.core.hash_chain import chained_anew
from manifest_tools.storage.uris import SCHEME

_NAMING: Final = frozenset({"image", "picture", "source-ref", "uri", "sha256", "file", "reference"})
_LISTING: Final = frozenset({"images", "train", "test", "names"})  # lists of names
_GONE: Final = object()
_LINES, _DOCUMENTS, _TABLES = (".jsonl", ".journal", ".manifest"), (".json",), (".csv",)


@dataclass(frozen=True)
class Names:
    """What names the images.

    Parameters
    ----------
    exact : frozenset of str
        Keys, addresses and hashes.
    others : frozenset of str
        Keys of the images that stay: an address below another destination is that of the longest key it ends with.
    """

    exact: frozenset[str]
    others: frozenset[str] = frozenset()

    def cover(self, text: str) -> bool:
        """Whether a text names one of the images."""
        # "size time image" stands for a picture whose content was not known when it was asked about
        if text in self.exact or (text.count(" ") >= 2 and text.split(" ", 2)[2] in self.exact):
            return True
        if not text.startswith(SCHEME):
            return False
        parts = text.removeprefix(SCHEME).split("/")
        endings = ("/".join(parts[at:]) for at in range(1, len(parts)))
        return next((key for key in endings if key in self.exact or key in self.others), "") in self.exact


def scrub_file(path: Path, names: Names) -> tuple[bytes, int] | None:
    """Return the content of a file without some images, and how many places went; None when none of them is in it.

    Parameters
    ----------
    path : Path
        JSON Lines, a journal, a manifest, JSON or CSV; other files are not looked at.
    names : Names
        What names the images.
    """
    suffixes = set(path.suffixes)
    for known, scrub in ((_LINES, _lines), (_DOCUMENTS, _document), (_TABLES, _table)):
        if suffixes.intersection(known):
            data = path.read_bytes()
            after, count = scrub(data, names)
            return (after, count) if count else None
    return None


def scrub(value: Any, names: Names) -> Any:
    """Return JSON values without the entries of lists that name an image, as :func:`scrub_file` does it."""
    after = _scrub(value, names, "")
    return None if after is _GONE else after


def _scrub(value: Any, names: Names, member: str) -> Any:
    if isinstance(value, str):
        return _GONE if member in _NAMING | _LISTING and names.cover(value) else value
    if isinstance(value, list | tuple):
        kept = [one for item in value if (one := _scrub(item, names, member)) is not _GONE]
        return _GONE if value and not kept and member == "images" else kept
    if isinstance(value, dict):
        after = {}
        for name, item in value.items():
            if name in names.exact and not isinstance(item, str | int | float | bool):
                continue
            after[name] = _scrub(item, names, name)
            if after[name] is _GONE:
                return _GONE
        return after
    return value


def _lines(data: bytes, names: Names) -> tuple[bytes, int]:
    kept, count = [], 0
    for line in data.splitlines(keepends=True):
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            kept.append(line)
            continue
        after = _scrub(record, names, "")
        count += after != record
        if after is _GONE:
            continue
        kept.append(line if after == record else orjson.dumps(after, option=orjson.OPT_APPEND_NEWLINE))
    return chained_anew(b"".join(kept)), count


def _document(data: bytes, names: Names) -> tuple[bytes, int]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return data, 0
    after = _scrub(document, names, "")
    if after == document:
        return data, 0
    return (b"{}\n" if after is _GONE else orjson.dumps(after, option=orjson.OPT_INDENT_2) + b"\n"), 1


def _table(data: bytes, names: Names) -> tuple[bytes, int]:
    csv.field_size_limit(max(csv.field_size_limit(), len(data) + 1))
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return data, 0
    columns = [place for place, name in enumerate(rows[0]) if name.lower() in _NAMING] if rows else []
    kept = [row for row in rows if not any(place < len(row) and names.cover(row[place]) for place in columns)]
    if len(kept) == len(rows):
        return data, 0
    text = io.StringIO(newline="")
    write_csv(text, kept)
    return text.getvalue().encode(), len(rows) - len(kept)
