"""Lines into tallies: whole blocks by the layouts that were learnt, the rest one by one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import orjson

from manifest_tools.manifests.judging import Judge, Judged, long_line, name_pointer
from manifest_tools.manifests.kinds import Kind
from manifest_tools.manifests.layouts import Layout, layout_of
from manifest_tools.manifests.problems import MAX_LINE_CHARACTERS, Problem
from manifest_tools.manifests.sources import Block, LongLine
from manifest_tools.manifests.tally import Keys, Tally
from manifest_tools.manifests.uris import bucket_problem, split_uri

_LAYOUTS = 12  # at most; each line is tried against them in turn
_ATTEMPTS = 100  # at learning one
_REMEMBERED = 20_000  # combinations of labels
_CLASS_IDS = re.compile(rb'"([0-9]+)"')

Row = tuple[bytes, ...]


class _Verdict(NamedTuple):
    """What the captured pieces of a line mean. `ids`: keys that the confidence-map has to have, sorted."""

    names: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    ids: tuple[list[bytes], ...] = ()


class Scanner:
    """Judges blocks of lines and counts what it finds.

    Parameters
    ----------
    judge : Judge
        Judges single lines.
    limit : int
        How many places of each thing to keep.
    key : callable
        Makes a 64-bit number of an image's URI.
    layouts : bool
        Whether to use layouts; without them every line is judged in full, with the same result.
    """

    def __init__(
        self, judge: Judge, limit: int, key: Callable[[bytes], int] = hash, *, layouts: bool = True
    ) -> None:
        self.tally = Tally(limit)
        self._judge = judge
        self._key = key
        self._layouts: list[Layout] = []
        self._known: set[bytes] = set()
        self._attempts = _ATTEMPTS if layouts else 0
        self._verdict = lru_cache(maxsize=_REMEMBERED)(self._read_pieces)
        self._found: list[tuple[int, str, Problem]] = []

    def feed(self, piece: Block | LongLine) -> None:
        """Judge the next lines."""
        if isinstance(piece, LongLine):
            keys = np.zeros(1, dtype=np.int64)
            self._found.append((piece.number, "", long_line(piece.bytes)))
        else:
            keys = self._block(piece)
        self._found.sort(key=lambda found: found[0])
        self.tally.add_problems(self._found)
        self._found.clear()
        self.tally.keys.append(keys)
        self.tally.lines += len(keys)

    def _block(self, block: Block) -> Keys:
        data, first = block.data, block.first
        count = data.count(b"\n")
        keys = np.zeros(count, dtype=np.int64)
        done = start = 0
        while done < count and self._attempts and not self._layouts:
            end = data.index(b"\n", start)
            self._one(data[start:end], first + done, keys, first)
            done, start = done + 1, end + 1
        if done < count:
            layouts = self._layouts if _is_utf8(data) and not _has_long_line(data) else []
            self._many(data[start:], range(first + done, first + count), layouts, keys, first)
        return keys

    def _many(
        self, data: bytes, numbers: Sequence[int], layouts: Sequence[Layout], keys: Keys, first: int
    ) -> None:
        """Judge lines by the first of the layouts, and what does not match by the next ones."""
        if not layouts:
            for number, line in zip(numbers, data.split(b"\n"), strict=False):
                self._one(line, number, keys, first)
            return
        layout = layouts[0]
        rows: list[Row] = layout.line.findall(data)
        apart = self._apart(layout, rows)
        if apart:
            lines = data.split(b"\n")
            rest = b"".join(lines[i] + b"\n" for i in apart)
            self._many(rest, [numbers[i] for i in apart], list(layouts[1:]), keys, first)
            gone = set(apart)
            numbers = [number for i, number in enumerate(numbers) if i not in gone]
            rows = [row for i, row in enumerate(rows) if i not in gone]
        if rows:
            self._count(layout, rows, numbers, keys, first)
        if len(apart) > len(rows) and len(layouts) > 1 and layout is self._layouts[0]:
            self._layouts.append(self._layouts.pop(0))

    def _apart(self, layout: Layout, rows: Sequence[Row]) -> list[int]:
        """Return the positions of the lines that the layout does not settle."""
        columns = list(zip(*rows, strict=True))
        uris = columns[layout.uri]
        bad = {
            bucket
            for bucket in set(columns[layout.uri + 1])
            if bucket == b"" or bucket_problem(bucket.decode())
        }
        apart = {i for i, bucket in enumerate(columns[layout.uri + 1]) if bucket in bad} if bad else set()
        if not layout.pieces:
            return sorted(apart)
        pieces = _said(layout, columns)
        for said in set(pieces):
            if self._verdict(layout, said) is None:
                apart.update(i for i, other in enumerate(pieces) if other == said and uris[i])
        for number, groups in enumerate(layout.pieces):
            if len(groups) == 3:
                apart.update(self._wrong_confidences(layout, number, pieces, columns[groups[2]], apart))
        return sorted(apart)

    def _wrong_confidences(
        self,
        layout: Layout,
        number: int,
        pieces: Sequence[Row],
        confidences: Sequence[bytes],
        apart: set[int],
    ) -> list[int]:
        """Return where a confidence-map has other keys than the list of ids."""
        find = _CLASS_IDS.findall
        ids = {said: verdict.ids[number] for said in set(pieces) if (verdict := self._verdict(layout, said))}
        return [
            i
            for i, (said, text) in enumerate(zip(pieces, confidences, strict=True))
            if i not in apart and sorted(find(text)) != ids[said]
        ]

    def _count(
        self, layout: Layout, rows: Sequence[Row], numbers: Sequence[int], keys: Keys, first: int
    ) -> None:
        """Count lines that a layout has settled."""
        columns = list(zip(*rows, strict=True))
        uris = columns[layout.uri]
        places = slice(numbers[0] - first, numbers[0] - first + len(numbers))
        where = places if isinstance(numbers, range) else np.array(numbers) - first
        keys[where] = np.fromiter(map(self._key, uris), np.int64, len(uris))
        self.tally.kind(layout.kind, numbers, uris)
        for member in layout.extras:
            self.tally.member(member, numbers, uris)
        for bucket, count in Counter(columns[layout.uri + 1]).items():
            self.tally.buckets[bucket.decode()] += count
        for job in layout.jobs:
            self.tally.jobs[job] += len(rows)
        if not layout.pieces:
            return
        self._count_labels(layout, _said(layout, columns), numbers, uris)

    def _count_labels(
        self, layout: Layout, pieces: Sequence[Row], numbers: Sequence[int], uris: Sequence[bytes]
    ) -> None:
        problems: dict[Row, tuple[Problem, ...]] = {}
        for said, count in Counter(pieces).items():
            verdict = self._verdict(layout, said)
            assert verdict is not None  # those without one have been set apart
            for name in verdict.names:
                self.tally.labels[name] += count
            if verdict.problems:
                problems[said] = verdict.problems
        if problems:
            for number, uri, said in zip(numbers, uris, pieces, strict=True):
                self._found += [(number, uri.decode(), problem) for problem in problems.get(said, ())]

    def _read_pieces(self, layout: Layout, said: Row) -> _Verdict | None:
        """Say what the captured pieces mean; None when the line has to be judged in full."""
        if layout.kind in (Kind.MODERATION, Kind.MODERATION_OUTPUT):
            names = [entry["Name"] for entry in orjson.loads(b"[" + said[0] + b"]")]
            return _Verdict(
                tuple(dict.fromkeys(names)), tuple(self._judge.labels.problems(names, name_pointer))
            )
        names = []
        ids: list[list[bytes]] = []
        rest = list(said)
        for groups in layout.pieces:
            if len(groups) == 1:
                names.append(rest.pop(0).decode())
                ids.append([])
                continue
            keys = sorted(b"%d" % number for number in orjson.loads(b"[" + rest.pop(0) + b"]"))
            text = rest.pop(0)
            classes = orjson.loads(b"{" + text + b"}")
            if len(set(keys)) < len(keys) or text.count(b'"') != 4 * len(classes):
                return None
            if any(key.decode() not in classes for key in keys):
                return None
            names += [classes[key.decode()] for key in keys]
            ids.append(keys)
        return _Verdict(tuple(dict.fromkeys(names)), (), tuple(ids))

    def _one(self, line: bytes, number: int, keys: Keys, first: int) -> None:
        """Judge one line in full, and learn its layout if it is clean."""
        judged = self._judge.line(line)
        image = judged.image
        self._found += [(number, image, problem) for problem in judged.problems]
        if judged.line is None:
            return
        if image and judged.kind is not Kind.OTHER:
            keys[number - first] = self._key(image.encode())
        self.tally.kind(judged.kind, (number,), (image,))
        for member in judged.extras:
            self.tally.member(member, (number,), (image,))
        parts = split_uri(image)
        if parts:
            self.tally.buckets[parts[0]] += 1
        self.tally.jobs.update(attribute.type for attribute in judged.jobs)
        self.tally.labels.update(set(judged.names))
        if not judged.problems and self._attempts and len(self._layouts) < _LAYOUTS:
            self._attempts -= 1
            self._learn(line, judged)

    def _learn(self, line: bytes, judged: Judged) -> None:
        """Add the layout of a clean line, unless it is known or does not describe even its own line."""
        layout = layout_of(judged)
        if layout is None or layout.line.pattern in self._known:
            return
        self._known.add(layout.line.pattern)
        match = layout.line.fullmatch(line + b"\n")
        if match and match.group(layout.uri + 1):
            self._layouts.append(layout)


def _said(layout: Layout, columns: Sequence[Row]) -> Sequence[Row]:
    """Return the captured pieces of each line, but for the confidences."""
    return list(zip(*(columns[group] for groups in layout.pieces for group in groups[:2]), strict=True))


def _has_long_line(data: bytes) -> bool:
    """Whether a line may be over the limit: such a line covers one of these points."""
    limit = MAX_LINE_CHARACTERS
    return any(
        data.find(b"\n", point) - data.rfind(b"\n", 0, point) > limit
        for point in range(limit, len(data), limit)
    )


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
