"""JPEG: damage that the decoder takes for picture data, shown by what no encoder writes.

Only what headers, counts and searches for bytes prove. To read the codes a second time would take as long as
the decode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from manifest_tools.images.jpeg import DHT, DRI, PROGRESSIVE, SEQUENTIAL, SOS, Structure

_END_OF_BLOCK: Final = 0x00
_HOLE: Final = bytes(64)
# The bits that correct coefficients may all be zeros; libjpeg and its kin write 1,000 of them in a row at most.
_PROGRESSIVE_HOLE: Final = bytes(256)
_NARROW: Final = 5  # in a band of fewer coefficients, all blocks of a gradient may be the same


def silent_damage(data: bytes, found: Structure) -> str:
    """Return in words what shows that bytes of the picture data were replaced; empty when nothing does.

    What replaces them may hold by chance just as many blocks, and then libjpeg sees nothing.
    """
    if found.end is None or found.frame not in {*SEQUENTIAL, PROGRESSIVE}:
        return ""
    if length := _hole(data, found):
        return f"{length} zero bytes amid the picture data"
    if found.frame == PROGRESSIVE and (spare := _spare(data, found)):
        return f"a scan that refines average colours is {spare} B too long"
    return ""


def _segments(found: Structure) -> Iterator[tuple[int, int, int, int]]:
    """Yield marker, start and end of each segment, and the end of the picture data that follow it."""
    ends = [start for _, start, _ in found.segments[1:]]
    for (marker, start, stop), end in zip(found.segments, [*ends, (found.end or 0) - 2], strict=True):
        yield marker, start, stop, end


def _hole(data: bytes, found: Structure) -> int:
    """Return the length of a run of zero bytes that no encoder can have written, or 0."""
    progressive = found.frame == PROGRESSIVE
    zeros = _PROGRESSIVE_HOLE if progressive else _HOLE
    if _find(zeros, data, 0, found.end or 0) < 0:  # nearly always
        return 0
    tables: dict[int, bytes] = {}
    for marker, start, stop, end in _segments(found):
        if marker == DHT:
            tables |= _ac_tables(data[start + 4 : stop])
        elif marker == SOS:
            at = _find(zeros, data, stop, end)
            band = range(data[stop - 3], data[stop - 2] + 1) if progressive else range(64)
            if at >= 0 and not _may_be_zeros(band, tables.get(data[start + 6] & 15, b"")):
                rest = data[at:end].lstrip(b"\x00")
                if rest:  # up to the next marker they are padding
                    return end - at - len(rest)
    return 0


def _find(zeros: bytes, data: bytes, start: int, end: int) -> int:
    """Return where in a part of `data` a run of zero bytes begins, or -1."""
    step = len(zeros) // 4  # four samples of each run; to look there first takes a quarter of the time
    return data.find(zeros, start, end) if zeros[::step] in data[start:end:step] else -1


def _may_be_zeros(band: range, symbols: bytes) -> bool:
    """Tell whether zero bits without end may be picture data, where `symbols` are the ones of the AC table.

    The code of the first symbol is zero bits alone. If it is a coefficient, they are coefficients of -1 without end. If
    it is the end of one block, they are empty blocks, which encoders that know a symbol for several of them join. If
    it is the end of several, a pattern may be coded so.
    """
    if not symbols or len(band) < _NARROW:
        return True
    ends = [symbol for symbol in symbols if symbol < 0xF0 and not symbol & 15]
    return symbols[0] in ends and (symbols[0] != _END_OF_BLOCK or len(ends) == 1)


def _ac_tables(body: bytes) -> dict[int, bytes]:
    """Return the symbols of the AC tables that a segment defines, those with the shortest codes first."""
    tables, at = {}, 0
    while at + 17 < len(body):
        end = at + 17 + sum(body[at + 1 : at + 17])
        if body[at] >> 4:
            tables[body[at] & 15] = body[at + 17 : end]
        at = end
    return tables


def _spare(data: bytes, found: Structure) -> int:
    """Return how many bytes a scan has that refines the average colours beyond its one bit a block, or 0.

    libjpeg-turbo takes a few in before it counts spare ones. Replaced bytes show, because each 0xFF takes two.
    """
    for marker, start, stop, end in _segments(found):
        if marker == DRI and any(data[start + 4 : stop]):
            return 0
        if marker == SOS and not data[stop - 3] and data[stop - 1] >> 4:
            used = data[stop:end].rstrip(b"\xff").replace(b"\xff\x00", b"\xff").rstrip(b"\x00")
            blocks = _blocks(data, found, data[start + 5 : stop - 3 : 2])
            if blocks is not None and len(used) > (needed := -(-blocks // 8)):
                return len(used) - needed
    return 0


def _blocks(data: bytes, found: Structure, names: bytes) -> int | None:
    """Return the number of blocks in a scan of the components with these names, None if the header does not say."""
    body = next(data[start + 4 : stop] for marker, start, stop in found.segments if marker == PROGRESSIVE)
    sampling = {body[at]: (body[at + 1] >> 4, body[at + 1] & 15) for at in range(6, len(body) - 2, 3)}
    sizes = [sampling.get(name, (0, 0)) for name in names]
    if len(sampling) != found.components or not sizes or (0, 0) in sizes:
        return None
    widest = max(across for across, _ in sampling.values())
    highest = max(down for _, down in sampling.values())
    if not widest or not highest:
        return None
    if len(sizes) > 1:
        units = -(-found.width // (8 * widest)) * -(-found.height // (8 * highest))
        return units * sum(across * down for across, down in sizes)
    across, down = sizes[0]
    return -(-found.width * across // (8 * widest)) * -(-found.height * down // (8 * highest))
