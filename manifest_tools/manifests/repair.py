"""The safe repairs of a manifest: those that have one reading and lose nothing that somebody said."""

from __future__ import annotations

import codecs
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from manifest_tools.core.bounded_json import loads
from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT, Taxonomy
from manifest_tools.dataset.name_resolution import NameResolution, read_name
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.kinds import LABELS, SOURCE_REF, TRUTH
from manifest_tools.manifests.line_reader import LongLine, Source
from manifest_tools.manifests.validation.json_syntax import has_duplicate_keys
from manifest_tools.manifests.writing import write_bytes

_SHOWN = 1000
_REPAIRED = {NameResolution.SPELLING: "label-spelling", NameResolution.OLD: "label-old-taxonomy"}


@dataclass(frozen=True, slots=True)
class Repair:
    """One changed line: its number, the codes of what was repaired, and its text; `after` is None when it is gone."""

    line: int
    codes: tuple[str, ...]
    before: str
    after: str | None


@dataclass(frozen=True)
class Repairs:
    """What a repair did.

    Parameters
    ----------
    written : int
        Lines of the corrected copy.
    counts : mapping of str to int
        Repairs by finding code.
    first : tuple of Repair
        The first of them, at most a fixed number.
    """

    written: int
    counts: dict[str, int]
    first: tuple[Repair, ...]

    def diff(self) -> str:
        """Return the first repairs as lines of a diff."""
        parts = []
        for repair in self.first:
            parts.append(f"@@ line {repair.line}: {', '.join(repair.codes)}")
            parts.append(f"-{repair.before}")
            parts += [] if repair.after is None else [f"+{repair.after}"]
        return "\n".join(parts)


def repair_manifest(
    path: str | Path | bytes,
    out: str | Path,
    *,
    taxonomy: str = CURRENT,
    policy: Policy | None = None,
    shown: int = _SHOWN,
    overwrite: bool = True,
) -> Repairs:
    """Write a corrected copy of a manifest. Everything that would need a decision stays as it is.

    Repaired are: UTF-16 and byte-order marks, blank lines, the spelling of labels that has one reading (an old name
    with one new name counts), a label given twice in one list, and lines that repeat an earlier one in all they say.
    A line that needs none of it keeps its bytes.

    Parameters
    ----------
    path : str, Path or bytes
        The manifest.
    out : str or Path
        The corrected copy. It appears whole or not at all.
    taxonomy : str
        That labels are read by.
    policy : Policy, optional
        For `safe_names`.
    shown : int
        How many repairs to return as text.
    overwrite : bool
        Whether `out` may replace a file of other content.

    Raises
    ------
    InputError
        The manifest cannot be read.
    OutputError
        `out` cannot be written.
    """
    source = Source(path)
    work = _Work(Taxonomy.load(taxonomy), policy or Policy(), shown)
    if source.mark:
        work.counts["encoding"] += 1
    written = write_bytes(out, work.lines(source), overwrite=overwrite)
    return Repairs(written, dict(sorted(work.counts.items())), tuple(work.first))


@dataclass(slots=True)
class _Work:
    taxonomy: Taxonomy
    policy: Policy
    shown: int
    counts: Counter[str] = field(default_factory=Counter)
    first: list[Repair] = field(default_factory=list)
    _seen: set[bytes] = field(default_factory=set)

    def lines(self, source: Source) -> Iterator[bytes]:
        """Yield the lines of the corrected copy."""
        for number, line in _whole_lines(source):
            after, codes = self._repaired(line)
            if codes:
                self.counts.update(codes)
                if len(self.first) < self.shown:
                    text = None if after is None else after.decode(errors="replace")
                    self.first.append(Repair(number, tuple(codes), line.decode(errors="replace"), text))
            if after is not None:
                yield after

    def _repaired(self, line: bytes) -> tuple[bytes | None, list[str]]:
        """Return the line as it should be, None for a line that should go, and the codes of what was wrong."""
        codes = []
        if line.startswith(codecs.BOM_UTF8):  # the file was joined from several
            line = line.removeprefix(codecs.BOM_UTF8)
            codes.append("encoding")
        text = line.strip(b" \t\r")
        if not text:
            return None, [*codes, "blank-line"]
        try:
            value = loads(text)
        except orjson.JSONDecodeError:
            return line, codes
        if not isinstance(value, dict) or has_duplicate_keys(text, value):
            return line, codes
        found = self._respelt(value)
        if found:
            codes += found
            line = orjson.dumps(value)
        if isinstance(value.get(SOURCE_REF), str) and self._is_repeated(value):
            return None, [*codes, "duplicate-source-ref"]
        return line, codes

    def _respelt(self, value: dict[str, Any]) -> list[str]:
        """Correct the label names of an adapter's line in place; return the codes of what was wrong."""
        entries = _entries(value)
        codes = []
        kept: dict[bytes, dict[str, Any]] = {}
        for entry in entries:
            reading = read_name(entry["Name"], self.taxonomy, self.policy)
            if reading.resolution in _REPAIRED:
                entry["Name"] = reading.name
                codes.append(_REPAIRED[reading.resolution])
            text = orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)
            if text in kept:
                codes.append("label-duplicate")
            else:
                kept[text] = entry
        if codes:
            value[TRUTH][LABELS] = list(kept.values())
        return codes

    def _is_repeated(self, value: dict[str, Any]) -> bool:
        """Whether an earlier line says the same; the order of labels and members says nothing."""
        entries = _entries(value)
        if entries:
            ordered = sorted(entries, key=lambda entry: str(entry["Name"]))
            value = value | {TRUTH: value[TRUTH] | {LABELS: ordered}}
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        digest = hashlib.blake2b(text, digest_size=16).digest()
        if digest in self._seen:
            return True
        self._seen.add(digest)
        return False


def _entries(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the label objects of an adapter's line; empty when they have not the documented shape."""
    truth = value.get(TRUTH)
    entries = truth.get(LABELS) if isinstance(truth, dict) else None
    if not isinstance(entries, list):
        return []
    named = all(isinstance(entry, dict) and isinstance(entry.get("Name"), str) for entry in entries)
    return entries if named else []


def _whole_lines(source: Source) -> Iterator[tuple[int, bytes]]:
    for piece in source.blocks():
        if isinstance(piece, LongLine):
            msg = (
                f"{source.name}:{piece.number}: the line has {piece.bytes:,} bytes, more than can be repaired"
            )
            raise InputError(msg)
        yield from enumerate(piece.data[:-1].split(b"\n"), piece.first)
