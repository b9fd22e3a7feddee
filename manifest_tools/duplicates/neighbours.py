"""All pairs of binary hashes within a Hamming radius: exact, with numpy alone, in linear memory.

The method is a block join. A part of the bits is cut into blocks; two hashes that differ in at most `r` bits
of the part agree in all but `r` of its blocks. For every choice of that many blocks the hashes are sorted by
the bits chosen, and only those with equal keys are compared in full. A wide hash has several parts, each with
its share of the radius: pairs within the radius keep within the share in at least one part (pigeonhole).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import comb

import numpy as np
import numpy.typing as npt

UInt64Array = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]
Pairs = tuple[IntArray, IntArray, npt.NDArray[np.uint8]]

WORD = 64
CHUNK = 1 << 20  # pairs compared at a time: bounds the memory used beside the hashes
LONG_RUN = 512  # more hashes than this under one key are joined again on the bits that they do not share
# What a plan costs, for choosing among plans: to sort one hash, and to compare one pair.
SORT_COST, COMPARE_COST = 2.0, 3.0
INDEPENDENCE = 0.9  # bits of real hashes tell a little of one another
MOST_PARTS = 16
SAMPLE = 4096  # rows looked at to see how even the bits are


@dataclass(frozen=True, slots=True)
class _Part:
    """Blocks of bits as (first bit, size), and how many of them must agree."""

    blocks: tuple[tuple[int, int], ...]
    need: int

    @property
    def key_bits(self) -> float:
        """Bits in a key, on average over the choices."""
        return self.need * sum(size for _, size in self.blocks) / len(self.blocks)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Blocks chosen of one part, and the rows sorted by their bits: each number is those bits and the row."""

    part: int
    blocks: tuple[int, ...]
    order: UInt64Array
    row_bits: int

    def rows(self, at: IntArray | slice) -> IntArray:
        """Return the rows at some places of the order."""
        return (self.order[at] & np.uint64((1 << self.row_bits) - 1)).astype(np.int64)

    def same_key(self, at: IntArray | slice, other: IntArray | slice) -> npt.NDArray[np.bool_]:
        """Tell where the chosen bits at some places are those at other places."""
        same: npt.NDArray[np.bool_] = (self.order[at] ^ self.order[other]) < np.uint64(1 << self.row_bits)
        return same


def near_pairs(hashes: UInt64Array, radius: int, *, bits: int | None = None) -> Iterator[Pairs]:
    """Yield every pair of hashes that differ in at most `radius` bits, each pair once.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n,) or (n, words)
        Distinct hashes: collapse equal ones first (`numpy.unique`). Bit ``b`` is bit ``b % 64`` of word
        ``b // 64``.
    radius : int
        Greatest number of differing bits, 0 to 255.
    bits : int, optional
        Number of bits in use; those above must be zero. Default: all.

    Yields
    ------
    first, second : ndarray of int64
        Row numbers, ``first < second``. The order of the pairs depends on the input alone.
    distance : ndarray of uint8

    Notes
    -----
    Memory is linear in the number of hashes: the pairs come in pieces and are not collected here.
    """
    words = np.asarray(hashes, dtype=np.uint64)
    words = np.asfortranarray(
        words[:, None] if words.ndim == 1 else words
    )  # one word of all rows side by side
    width = words.shape[1] * WORD if bits is None else bits
    if not (0 <= radius <= 255 and 0 < width <= words.shape[1] * WORD):
        raise ValueError(
            f"expected radius in 0..255 and bits in 1..{words.shape[1] * WORD}, got {radius} and {width}"
        )
    yield from _join(words, width, radius)


def _join(words: UInt64Array, width: int, radius: int) -> Iterator[Pairs]:
    parts = _plan(len(words).bit_length(), width, radius, _entropy(words, width))
    if not parts:
        yield from _all_pairs(words, radius)
        return
    for number, part in enumerate(parts):
        for choice in _choices(words, number, part):
            for first, second, distance in _equal_keys(words, width, radius, part, choice):
                if not len(first):
                    continue
                new = _meet_first(words[first] ^ words[second], parts, choice)
                low, high = np.minimum(first, second), np.maximum(first, second)
                yield low[new], high[new], distance[new]


@cache
def _plan(n_bits: int, width: int, radius: int, entropy: float) -> tuple[_Part, ...]:
    """Return the cheapest parts for ``2**n_bits`` hashes; none where comparing all pairs is cheapest.

    `entropy` is what a bit tells on average (see `_entropy`): in a cluster of much alike hashes, say one meme
    at many sizes, keys do not part the rows, and a plan made for even bits would compare them over and over.
    """
    n = 2.0**n_bits
    best_cost, best = n * n / 2 * COMPARE_COST, tuple[_Part, ...]()
    for count in range(1, min(radius + 1, MOST_PARTS) + 1):
        for need in range(1, 10):
            parts = _cut(width, radius, count, need)
            key_bits = min((p.key_bits for p in parts), default=WORD)
            if (
                not parts or max(p.key_bits for p in parts) + n_bits + need > WORD
            ):  # the row number shares the word
                continue
            choices = sum(comb(len(p.blocks), need) for p in parts)
            compared = n * n / 2 / 2 ** (key_bits * entropy * INDEPENDENCE)
            cost = choices * (n * SORT_COST + compared * COMPARE_COST)
            if cost < best_cost:
                best_cost, best = cost, parts
    return best


def _entropy(words: UInt64Array, width: int) -> float:
    """Return the collision entropy of a bit, averaged over the bits: 1 for even bits, 0 for constant ones."""
    ones = (
        _as_bits(words[:: -(-len(words) // SAMPLE) or 1], width).mean(axis=0) if len(words) else np.zeros(1)
    )
    return round(float(-np.log2(ones**2 + (1 - ones) ** 2).mean()), 1)


def _as_bits(words: UInt64Array, width: int) -> npt.NDArray[np.uint8]:
    return np.unpackbits(words.astype("<u8", order="C").view(np.uint8), axis=1, bitorder="little")[:, :width]


def _cut(width: int, radius: int, count: int, need: int) -> tuple[_Part, ...]:
    """Cut `width` bits into `count` parts, each with `need` blocks more than its share of the radius; or none."""
    shares = [(radius + 1 + i) // count - 1 for i in range(count)]  # (share + 1) summed is radius + 1
    edges = [width * i // count for i in range(count + 1)]
    parts = []
    for low, high, share in zip(edges[:-1], edges[1:], shares, strict=True):
        blocks = share + need
        if blocks > high - low:
            return ()
        cuts = [low + (high - low) * i // blocks for i in range(blocks + 1)]
        parts.append(_Part(tuple((a, b - a) for a, b in pairwise(cuts)), need))
    return tuple(parts)


def _choices(words: UInt64Array, number: int, part: _Part) -> Iterator[_Choice]:
    """Yield every choice of `need` blocks, in lexicographic order."""
    row_bits = len(words).bit_length()

    def choose(chosen: tuple[int, ...], key: UInt64Array, used: int) -> Iterator[_Choice]:
        if len(chosen) == part.need:
            key.sort()
            yield _Choice(number, chosen, key, row_bits)
            return
        for block in range(chosen[-1] + 1 if chosen else 0, len(part.blocks) - part.need + len(chosen) + 1):
            first, size = part.blocks[block]
            bits = _bits_at(words, first, size)
            bits <<= np.uint64(used)
            bits |= key
            yield from choose((*chosen, block), bits, used + size)

    yield from choose((), np.arange(len(words), dtype=np.uint64), row_bits)


def _bits_at(words: UInt64Array, first: int, size: int) -> UInt64Array:
    """Return `size` bits of each row, from bit `first`, as one number."""
    word, offset = divmod(first, WORD)
    value = words[:, word] >> np.uint64(offset)
    if offset + size > WORD:
        value |= words[:, word + 1] << np.uint64(WORD - offset)
    if offset + size != WORD:
        value &= np.uint64((1 << size) - 1)
    return value


def _equal_keys(words: UInt64Array, width: int, radius: int, part: _Part, choice: _Choice) -> Iterator[Pairs]:
    """Yield the pairs within the radius among rows with equal keys."""
    at = np.flatnonzero(choice.same_key(slice(1, None), slice(None, -1)))
    for start, stop in _long_runs(choice) if at.size >= LONG_RUN else ():
        at = at[(at < start) | (at >= stop)]
        members = choice.rows(slice(start, stop))
        shared = [bit for b in choice.blocks for bit in range(part.blocks[b][0], sum(part.blocks[b]))]
        rest = _without_bits(words[members], width, shared)
        for first, second, distance in _join(rest, width - len(shared), radius):
            yield members[first], members[second], distance
    step = 1
    while at.size:
        for piece in range(0, at.size, CHUNK):
            here = at[piece : piece + CHUNK]
            yield _within(words, choice.rows(here), choice.rows(here + step), radius)
        step += 1
        at = at[: np.searchsorted(at, len(words) - step)]
        at = at[choice.same_key(at, at + step)]


def _long_runs(choice: _Choice) -> list[tuple[int, int]]:
    """Return (start, stop) of the runs of more than LONG_RUN equal keys."""
    far = np.flatnonzero(choice.same_key(slice(LONG_RUN, None), slice(None, -LONG_RUN)))
    runs = np.split(far, np.flatnonzero(~choice.same_key(far[1:], far[:-1])) + 1) if far.size else []
    return [(int(run[0]), int(run[-1]) + LONG_RUN + 1) for run in runs]


def _without_bits(words: UInt64Array, width: int, shared: list[int]) -> UInt64Array:
    """Return the rows with the bits `shared` cut out and the others moved together."""
    keep = np.delete(np.arange(width), shared)
    out = np.zeros((len(words), -(-len(keep) // WORD) * 8), dtype=np.uint8)
    for start in range(0, len(words), CHUNK // WORD):  # one byte a bit: in pieces
        bits = _as_bits(words[start : start + CHUNK // WORD], width)
        packed = np.packbits(bits[:, keep], axis=1, bitorder="little")
        out[start : start + CHUNK // WORD, : packed.shape[1]] = packed
    return np.asfortranarray(out.view("<u8").astype(np.uint64))


def _within(words: UInt64Array, first: IntArray, second: IntArray, radius: int) -> Pairs:
    """Return those of the pairs that are within the radius, with their distance."""
    distance = np.zeros(len(first), dtype=np.uint16)
    for word in words.T:
        distance += np.bitwise_count(word[first] ^ word[second])
        near = distance <= radius
        first, second, distance = first[near], second[near], distance[near]
    return first, second, distance.astype(np.uint8)


def _meet_first(difference: UInt64Array, parts: tuple[_Part, ...], choice: _Choice) -> npt.NDArray[np.bool_]:
    """Tell which pairs meet in this choice of blocks first, so that each is told once."""
    first = np.ones(len(difference), dtype=np.bool_)
    for part in parts[: choice.part]:
        equal = np.zeros(len(difference), dtype=np.int64)
        for start, size in part.blocks:
            equal += _bits_at(difference, start, size) == 0
        first &= equal < part.need
    for number, (start, size) in enumerate(parts[choice.part].blocks[: choice.blocks[-1]]):
        if number not in choice.blocks:
            first &= _bits_at(difference, start, size) != 0
    return first


def _all_pairs(words: UInt64Array, radius: int) -> Iterator[Pairs]:
    """Compare every row with all those after it."""
    step = max(1, CHUNK // max(len(words), 1))
    for start in range(0, len(words), step):
        block, rest = words[start : start + step], words[start:]
        distance = np.zeros((len(block), len(rest)), dtype=np.uint16)
        for own, other in zip(block.T, rest.T, strict=True):
            distance += np.bitwise_count(own[:, None] ^ other[None, :])
        first, second = np.nonzero(np.triu(distance <= radius, k=1))
        yield first + start, second + start, distance[first, second].astype(np.uint8)
