"""Stop lists as hash exchanges hand them out: one hash a line, CSV, JSON or JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from manifest_tools.core.errors import InputError
from manifest_tools.images.stop_list.hashes import DIGITS, MIN_QUALITY, require_pdq
from manifest_tools.images.stop_list.stop_list import StopList

NONE: Final = "none"  # in place of files: no list is in force any more
MAX_BYTES: Final = 4 << 30
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\Z")
_PLAIN: Final = re.compile(
    r"(?:(?P<kind>md5|sha-?1|sha-?256|pdq)\s*[:=]\s*)?\\?(?P<hash>[0-9a-f]+)(?:\s.*)?\Z", re.IGNORECASE
)
_BY_DIGITS: Final = {32: "md5", 40: "sha1", 64: ""}  # 64 digits may be SHA-256 or PDQ
_CHEAPEST: Final = ("sha256", "sha1", "md5")  # of exact hashes; SHA-256 is computed anyway
_LONE: Final = 2  # of so few unnamed hashes nothing can be told by counting bits
_PDQ_SHARE: Final = 0.25  # of unnamed hashes with half of their bits set; among SHA-256 it is 0.05


def read_stop_list(files: Sequence[str | Path]) -> StopList | None:
    r"""Read stop lists; None where there is none.

    Parameters
    ----------
    files : sequence of path
        MD5, SHA-1, SHA-256 and PDQ, one a line or in CSV, JSON or JSON Lines. ``sha256:FILE`` and ``pdq:FILE`` say what
        64 digits are, where the file does not; otherwise they are told apart by their bits, and looked up as both when
        that leaves a doubt. ``none`` stands for no list.

    Raises
    ------
    InputError
        A file cannot be read, or holds something that is no hash.
    MissingExtraError
        There are PDQ hashes, and the extra `safety` is not installed.

    Examples
    --------
    >>> from pathlib import Path
    >>> from manifest_tools.images.stop_list.reading import read_stop_list
    >>> _ = Path("known.txt").write_text("d41d8cd98f00b204e9800998ecf8427e\n")
    >>> read_stop_list(["known.txt"]).told()
    '1 MD5'
    """
    if not files or [str(name) for name in files] == [NONE]:
        return None
    found = _Found()
    names = []
    for name in files:
        kind, path = _named(str(name))
        _read(path, kind, found)
        names.append(f"{kind}:{path.resolve()}" if kind else str(path.resolve()))
    raw = {name: b"".join(parts) for name, parts in found.raw.items() if parts}
    if raw.get("pdq"):
        require_pdq()
    return StopList(raw, tuple(names))


def _named(name: str) -> tuple[str, Path]:
    kind, colon, rest = name.partition(":")
    if colon and kind.lower() in DIGITS and not Path(name).exists():
        return kind.lower(), Path(rest)
    return "", Path(name)


@dataclass
class _Found:
    """Hashes by kind, as bytes; those of 64 digits whose kind nobody named under ""."""

    raw: dict[str, list[bytes]] = field(default_factory=lambda: {kind: [] for kind in ("", *DIGITS)})

    def settle(self) -> None:
        """Give the hashes without a name their kind: half of the bits of a PDQ hash are set, always."""
        unnamed, self.raw[""] = b"".join(self.raw[""]), []
        if not unnamed:
            return
        count = len(unnamed) // 32
        half = sum(
            int.from_bytes(unnamed[at : at + 32]).bit_count() in (127, 128)
            for at in range(0, min(len(unnamed), 320_000), 32)
        ) / min(count, 10_000)
        if half < 1 or count <= _LONE:
            self.raw["sha256"].append(unnamed)
        if half >= _PDQ_SHARE:
            self.raw["pdq"].append(unnamed)


def _read(path: Path, kind: str, found: _Found) -> None:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"the stop list {path} has more than {MAX_BYTES:,} bytes; split it")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the stop list {path} cannot be read: {error.strerror or error}; nothing is shown or sent without it "
            "(--stop-list FILE names another one, --stop-list none lets it go)"
        ) from error
    before = {name: len(parts) for name, parts in found.raw.items()}
    if not _uniform(data, kind, found):
        text = _text(path, data)
        start = text.lstrip()[:1]
        if start in ("{", "["):
            _from_json(path, text, kind, found)
        elif _is_table(text):
            _from_csv(path, text, kind, found)
        else:
            _from_lines(path, text, kind, found)
    if all(len(parts) == before[name] for name, parts in found.raw.items()):
        raise InputError(
            f"the stop list {path} holds no hash; expected MD5, SHA-1, SHA-256 or PDQ in hex digits, one a line, "
            "or in CSV or JSON"
        )
    found.settle()


def _text(path: Path, data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"the stop list {path} is no text: {error.reason} at byte {error.start:,}"
        ) from error


def _uniform(data: bytes, kind: str, found: _Found) -> bool:
    """Take a list of bare hashes of one kind, one a line, at once; False when it is anything else."""
    size = len(data.split(None, 1)[0]) if data[:128].strip() else 0
    if size not in _BY_DIGITS or (kind and DIGITS[kind] != size):
        return False
    end = b"\r\n" if data[size : size + 2] == b"\r\n" else b"\n"
    whole = data if data.endswith(end) else data + end
    if len(whole) % (size + len(end)):
        return False
    lines = np.frombuffer(whole, dtype=np.uint8).reshape(-1, size + len(end))
    digits = lines[:, :size].tobytes()
    if (lines[:, size:] != np.frombuffer(end, dtype=np.uint8)).any() or len(digits.split(None, 1)[0]) < len(
        digits
    ):
        return False
    try:
        raw = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return False
    found.raw[kind or _BY_DIGITS[size]].append(raw)
    return True


def _add(place: str, kind: str, text: str, found: _Found) -> None:
    if not _HEX.match(text) or (kind and len(text) != DIGITS[kind]):
        wanted = f"{DIGITS[kind]} hex digits ({kind})" if kind else "32, 40 or 64 hex digits"
        raise InputError(f"{place}: {text[:80]!r} is no hash; expected {wanted}")
    found.raw[kind or _BY_DIGITS[len(text)]].append(bytes.fromhex(text))


def _from_lines(path: Path, text: str, kind: str, found: _Found) -> None:
    begun = False
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        head, begun = not begun, True
        if head and (named := _named_after(line)) and kind in ("", named):  # a table of one column
            kind = named
            continue
        match = _PLAIN.match(line)
        named = (match["kind"] or "").lower().replace("-", "") if match else ""
        _add(f"{path}, line {number}", named or kind, match["hash"] if match else line, found)


def _is_table(text: str) -> bool:
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    plain = _PLAIN.match(first.strip())
    return any(mark in first for mark in ",;\t") and not (plain and _HEX.match(plain["hash"]))


def _from_csv(path: Path, text: str, kind: str, found: _Found) -> None:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    first = lines[0]
    mark = max(",;\t", key=first.count)
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    rows = csv.reader(io.StringIO("\n".join(lines)), delimiter=mark)
    head: list[str] = []
    for number, row in enumerate(rows, 1):
        if number == 1 and not any(_HEX.match(cell.strip()) for cell in row):
            head = row
            continue
        names = head or [str(place) for place in range(len(row))]
        _from_record(f"{path}, row {number}", dict(zip(names, row, strict=False)), kind, found)


def _from_json(path: Path, text: str, kind: str, found: _Found) -> None:
    try:
        documents = [json.loads(text)]
    except (ValueError, RecursionError):
        documents = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                documents += [json.loads(line)] if line.strip() else []
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}, line {number}: neither JSON nor JSON Lines: {error}") from error
    for document in documents:
        for record in _records(document):
            _from_record(str(path), record, kind, found)


def _records(document: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object of a document, and every list of texts as an object."""
    todo: list[tuple[str, Any]] = [("", document)]
    while todo:
        name, value = todo.pop()
        if isinstance(value, dict):
            yield value
            todo += list(value.items())
        elif isinstance(value, list):
            yield from ({name: item} for item in value if isinstance(item, str))
            todo += [(name, item) for item in value if isinstance(item, (dict, list))]


def _kind_of(text: str) -> str:
    plain = re.sub("[^a-z0-9]", "", text.lower())
    return next((kind for kind in ("sha256", "sha1", "md5", "pdq") if kind in plain), "")


def _from_record(place: str, record: Mapping[str, Any], kind: str, found: _Found) -> None:
    """Take the hashes of one record: their kind is told by the field, by another field such as `type`, or the digits.

    Of fields that are named after nothing but their kind, as in ``md5,sha1``, one is taken: they are of the same bytes, and
    each kind that a list asks for costs time for every image that is held against it.
    """
    texts = {str(name): value.strip() for name, value in record.items() if isinstance(value, str)}
    types = {_kind_of(text) for text in texts.values() if len(text) < DIGITS["md5"]} - {""}
    said = types.pop() if len(types) == 1 else ""
    whole = {
        kind: name for name, text in texts.items() if (kind := _named_after(name)) and _is_digest(text, kind)
    }
    beside = [whole[kind] for kind in _CHEAPEST if kind in whole][1:]
    for name, text in texts.items():
        own = _kind_of(name)
        if name in beside:
            continue
        if not _HEX.match(text):
            if text and _named_after(name):
                _add(place, own, text, found)
            continue
        chosen = next((one for one in (own, said, kind) if one and DIGITS[one] == len(text)), "")
        quality = _quality(record)
        if not chosen and not kind and len(text) == DIGITS["pdq"] and quality is not None:
            chosen = "pdq"  # nothing else has a quality
        if chosen == "pdq" and quality is not None and quality < MIN_QUALITY:
            continue
        _add(place, chosen, text, found)


def _named_after(field: str) -> str:
    """Return the kind of hash that a field is named after, and after nothing else; "" for others."""
    kind = _kind_of(field)
    plain = re.sub("[^a-z0-9]", "", field.lower())
    return kind if plain in {kind, f"{kind}hash", f"hash{kind}"} else ""


def _is_digest(text: str, kind: str) -> bool:
    return len(text) == DIGITS[kind] and _HEX.match(text) is not None


def _quality(record: Mapping[str, Any]) -> float | None:
    for name, value in record.items():
        if "quality" in str(name).lower():
            try:
                return float(value)
            except (TypeError, ValueError):
                continue
    return None
