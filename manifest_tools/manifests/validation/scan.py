"""Lines into tallies: whole blocks by the layouts that were learnt, the rest one by one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import compress
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import orjson

from manifest_tools.manifests.kinds import MODERATION_KINDS, Kind
from manifest_tools.manifests.line_reader import Block, LongLine
from manifest_tools.manifests.validation.confidence_unit import has_per_cent, unit_problem
from manifest_tools.manifests.validation.judge_line import BLANK, Judge, Judged, long_line, name_pointer
from manifest_tools.manifests.validation.layout_patterns import Layout, layout_of
from manifest_tools.manifests.validation.problems import MAX_LINE_CHARACTERS, Problem
from manifest_tools.manifests.validation.repeats import keys_of
from manifest_tools.manifests.validation.tally import Keys, Tally
from manifest_tools.manifests.validation.uris import uri_problem
from manifest_tools.storage.uris import bucket_problem, is_s3_uri, parts_of

_LAYOUTS = 12  # at most; each line is tried against them in turn
_ATTEMPTS = 100  # at learning one
_REMEMBERED = 20_000  # combinations of labels
_BLANK_LINE = Problem("blank-line", {})
_CLASS_IDS = re.compile(rb'"([0-9]+)"')

Said: TypeAlias = bytes | tuple[bytes, ...]  # the captured pieces of a line, but for the confidences
Column: TypeAlias = Sequence[Any]  # of bytes; None where the line did not match


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
    layouts : bool
        Whether to use layouts; without them every line is judged in full, with the same result.
    """

    def __init__(self, judge: Judge, limit: int, *, layouts: bool = True) -> None:
        self.tally = Tally(limit)
        self._judge = judge
        self._layouts: list[Layout] = []
        self._known: set[bytes] = set()
        self._attempts = _ATTEMPTS if layouts else 0
        self._verdict = lru_cache(maxsize=_REMEMBERED)(self._read_pieces)
        self._found: list[tuple[int, str, Problem]] = []
        self._blank: list[int] = []
        self._images: dict[int, bytes] = {}  # of the lines that were judged one by one

    def take(self) -> Tally:
        """Return what was counted, and begin anew with what was learnt."""
        tally, self.tally = self.tally, Tally(self.tally.limit)
        return tally

    def feed(self, piece: Block | LongLine) -> None:
        """Judge the next lines."""
        if isinstance(piece, LongLine):
            keys = np.zeros(1, dtype=np.int64)
            self._found.append((piece.number, "", long_line(piece.bytes)))
        else:
            keys = self._block(piece)
        # Of millions of blank lines only the places that are kept become problems.
        self._found += [(number, "", _BLANK_LINE) for number in self._blank[: self.tally.limit]]
        self._found.sort(key=lambda found: found[0])
        self.tally.add_problems(self._found, blank_lines=len(self._blank[self.tally.limit :]))
        self._found.clear()
        self._blank.clear()
        self.tally.keys.append(keys)
        self.tally.lines += len(keys)

    def _block(self, block: Block) -> Keys:
        data, first = block.data, block.first
        keys = np.zeros(block.lines, dtype=np.int64)
        done = start = 0
        while done < block.lines and self._attempts and not self._layouts:
            end = data.index(b"\n", start)
            self._take(data[start:end], first + done)
            done, start = done + 1, end + 1
        if done < block.lines:
            layouts = self._layouts if _is_utf8(data) and not _has_long_line(data) else []
            self._many(data[start:], range(first + done, first + block.lines), layouts, keys, first)
        if self._images:
            keys[np.array(list(self._images)) - first] = keys_of(list(self._images.values()))
            self._images.clear()
        return keys

    def _many(
        self, data: bytes, numbers: Sequence[int], layouts: Sequence[Layout], keys: Keys, first: int
    ) -> None:
        """Judge lines by the first of the layouts, and what does not match by the next ones."""
        if not layouts:
            for number, line in zip(numbers, data.split(b"\n"), strict=False):
                self._take(line, number)
            return
        layout = layouts[0]
        if layout.has_confidences:
            self._look_for_per_cent(data)
        columns: Sequence[Column] = layout.columns(data, len(numbers))
        said = _said(layout, columns)
        counts, buckets = Counter(said), Counter(columns[layout.uri + 1])
        settled = self._settled(layout, columns, said, counts, buckets)
        if settled is not None:
            lines = data.split(b"\n")
            rest = b"".join(lines[i] + b"\n" for i, whether in enumerate(settled) if not whether)
            left = [number for number, whether in zip(numbers, settled, strict=True) if not whether]
            self._many(rest, left, layouts[1:], keys, first)
            if 2 * len(left) > len(numbers) and len(layouts) > 1 and layout is self._layouts[0]:
                self._layouts.append(self._layouts.pop(0))
            numbers = list(compress(numbers, settled))
            columns = [list(compress(column, settled)) for column in columns]
            said = list(compress(said, settled))
            counts, buckets = Counter(said), Counter(columns[layout.uri + 1])
        if numbers:
            for bucket, count in buckets.items():
                self.tally.buckets[bucket.decode()] += count
            uris = _without_escapes(columns[layout.uri])
            self._count(layout, uris, numbers, keys, first)
            self._count_labels(layout, uris, said, counts, numbers)

    def _look_for_per_cent(self, data: bytes) -> None:
        self.tally.per_cent = self.tally.per_cent or has_per_cent(data)

    def _settled(
        self,
        layout: Layout,
        columns: Sequence[Column],
        said: Sequence[Said],
        counts: Counter[Said],
        buckets: Counter[Any],
    ) -> list[bool] | None:
        """Say for each line whether the layout settles it; None when it settles every one."""
        bad = {bucket for bucket in buckets if bucket is None or bucket_problem(bucket.decode())}
        unread = {pieces for pieces in counts if _matched(pieces) and self._verdict(layout, pieces) is None}
        wrong = self._wrong_confidences(layout, columns, said)
        if not bad and not unread and not wrong:
            return None
        return [
            bucket not in bad and pieces not in unread and number not in wrong
            for number, (bucket, pieces) in enumerate(zip(columns[layout.uri + 1], said, strict=True))
        ]

    def _wrong_confidences(
        self, layout: Layout, columns: Sequence[Column], said: Sequence[Said]
    ) -> frozenset[int]:
        """Return where a confidence-map has other keys than the list of ids."""
        wrong: set[int] = set()
        for number, groups in enumerate(layout.pieces):
            if len(groups) == 3:
                for line, (pieces, text) in enumerate(zip(said, columns[groups[2]], strict=True)):
                    verdict = self._verdict(layout, pieces) if text is not None else None
                    if verdict and sorted(_CLASS_IDS.findall(text)) != verdict.ids[number]:
                        wrong.add(line)
        return frozenset(wrong)

    def _count(self, layout: Layout, uris: Column, numbers: Sequence[int], keys: Keys, first: int) -> None:
        """Count lines that a layout has settled."""
        places = slice(numbers[0] - first, numbers[0] - first + len(numbers))
        where = places if isinstance(numbers, range) else np.array(numbers) - first
        keys[where] = keys_of(uris)
        if b"%" in b"".join(uris):
            self._found += _escaped(numbers, uris)
        self.tally.kind(layout.kind, numbers, uris)
        for member in layout.extras:
            self.tally.member(member, numbers, uris)
        for job in layout.jobs:
            self.tally.jobs[job] += len(numbers)

    def _count_labels(
        self,
        layout: Layout,
        uris: Column,
        said: Sequence[Said],
        counts: Counter[Said],
        numbers: Sequence[int],
    ) -> None:
        problems: dict[Said, tuple[Problem, ...]] = {}
        for pieces, count in counts.items():
            verdict = self._verdict(layout, pieces)
            assert verdict is not None  # those without one have been set apart
            for name in verdict.names:
                self.tally.labels[name] += count
            if verdict.problems:
                problems[pieces] = verdict.problems
        if problems:
            for number, uri, pieces in zip(numbers, uris, said, strict=True):
                self._found += [(number, uri.decode(), problem) for problem in problems.get(pieces, ())]

    def _read_pieces(self, layout: Layout, said: Said) -> _Verdict | None:
        """Say what the captured pieces mean; None when the line has to be judged in full."""
        rest = [said] if isinstance(said, bytes) else list(said)
        if layout.kind in MODERATION_KINDS:
            names = [entry["Name"] for entry in orjson.loads(b"[" + rest[0] + b"]")]
            return _Verdict(
                tuple(dict.fromkeys(names)), tuple(self._judge.labels.problems(names, name_pointer))
            )
        names = []
        ids: list[list[bytes]] = []
        for groups in layout.pieces:
            if len(groups) == 1:
                names.append(orjson.loads(b'"' + rest.pop(0) + b'"'))
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

    def _take(self, line: bytes, number: int) -> None:
        if line.strip(BLANK):
            self._one(line, number)
        else:
            self._blank.append(number)

    def _one(self, line: bytes, number: int) -> None:
        """Judge one line in full, and learn its layout if nothing speaks against it."""
        self._look_for_per_cent(line)
        judged = self._judge.line(line)
        image = judged.image
        self._found += [(number, image, problem) for problem in judged.problems]
        if judged.line is None:
            return
        doubt = unit_problem(judged.line)
        if doubt is not None:
            self._found.append((number, image, doubt))
        if image and judged.kind is not Kind.OTHER:
            self._images[number] = image.encode()
        self.tally.kind(judged.kind, (number,), (image,))
        for member in judged.extras:
            self.tally.member(member, (number,), (image,))
        bucket, key = parts_of(image)
        if is_s3_uri(image) and bucket and key:
            self.tally.buckets[bucket] += 1
        self.tally.jobs.update(attribute.type for attribute in judged.jobs)
        self.tally.labels.update(set(judged.names))
        if (
            all(_is_passable(problem, judged.kind) for problem in judged.problems)
            and self._attempts
            and len(self._layouts) < _LAYOUTS
        ):
            self._attempts -= 1
            self._learn(line, judged)

    def _learn(self, line: bytes, judged: Judged) -> None:
        """Add the layout of a clean line, unless it is known or does not describe even its own line."""
        layout = layout_of(judged)
        if layout is None or layout.line.pattern in self._known:
            return
        match = layout.line.fullmatch(line + b"\n")
        if match and match.group(layout.uri + 1):
            self._known.add(layout.line.pattern)
            self._layouts.append(layout)


def _is_passable(problem: Problem, kind: Kind) -> bool:
    """Whether lines with this problem may have a layout: it lies in the URI or the label names, which are captured."""
    return problem.variant == "percent" or (kind in MODERATION_KINDS and problem.code.startswith("label-"))


def _without_escapes(texts: Column) -> Column:
    if b"\\" not in b"".join(texts):
        return texts
    return [orjson.loads(b'"' + text + b'"').encode() if b"\\" in text else text for text in texts]


def _escaped(numbers: Sequence[int], uris: Column) -> list[tuple[int, str, Problem]]:
    """Return the problems of keys with percent signs; the layouts have settled everything else about the URIs."""
    found = []
    for number, uri in zip(numbers, uris, strict=True):
        if b"%" in uri:
            text = uri.decode()
            problem = uri_problem(text)
            if problem is not None:
                found.append((number, text, problem))
    return found


def _said(layout: Layout, columns: Sequence[Column]) -> Sequence[Any]:
    """Return the captured pieces of each line, but for the confidences."""
    pieces = [columns[group] for groups in layout.pieces for group in groups[:2]]
    if len(pieces) == 1:
        return pieces[0]
    return list(zip(*pieces, strict=True)) if pieces else [b""] * len(columns[layout.uri])


def _matched(pieces: bytes | tuple[bytes | None, ...] | None) -> bool:
    """Whether the pieces come from a line that matched."""
    return pieces is not None and (isinstance(pieces, bytes) or pieces[0] is not None)


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
