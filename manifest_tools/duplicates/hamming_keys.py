"""Which bits of a hash are held together as keys, so that hashes near each other share at least one key.

The hash is spread over a power of two of places, which are cut into parts of equal size, each with its share of the
radius: hashes within the radius keep within the share in at least one part (pigeonhole). The places of a part with
share `s` are cut into ``2**s`` blocks, numbered in binary. For every nonzero `u` below ``2**s``, the blocks whose
number has an odd count of bits in common with `u` make one key, and the other blocks make another. No `s` blocks that
differ spoil all these keys: to find one without them is to solve `s` equations in the ``s + 1`` bits that name a key.
These ``2**(s + 1) - 2`` keys of half the bits (the first-order Reed-Muller code) do what blocks chosen at will need
several times as many sorts for.

Halves have a second virtue: each place of a key has one partner that is not in it, so that a few exchanges of bits
bring a key to the top of the word, and the same few take it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from manifest_tools.duplicates.sorting import UInt64Array, run_starts

# Nanoseconds, for choosing among plans: to rearrange and sort one hash, and to compare one pair.
SORT_COST, COMPARE_COST = 15.0, 1.3
SAMPLE = 4096  # hashes that show how well a key parts them
ENOUGH = 8  # pairs with one key among them that are no chance
INDEPENDENCE = 0.9  # what a bit of a long key is worth


class Exchange(NamedTuple):
    """The bits under `mask` change places with those `distance` above them."""

    distance: int
    mask: int


@dataclass(frozen=True, slots=True)
class Key:
    """Some places of a word, and the exchanges that bring them to its top."""

    places: int
    exchanges: tuple[Exchange, ...]
    below: int  # how many bits of the word are left under the key


def arrange(words: UInt64Array, exchanges: Sequence[Exchange]) -> UInt64Array:
    """Return the words with their bits exchanged; to undo it, give the exchanges in reverse."""
    for distance, mask in exchanges:
        shift = np.uint64(distance)
        changed = words >> shift
        changed ^= words
        changed &= np.uint64(mask)
        words = words ^ changed
        changed <<= shift
        words ^= changed
    return words


def move(words: UInt64Array, sources: Sequence[int], targets: Sequence[int]) -> UInt64Array:
    """Return words whose bits `targets` are the bits `sources` of the given ones, and zero elsewhere."""
    out = np.zeros_like(words)
    masks: dict[int, int] = {}
    for source, target in zip(sources, targets, strict=True):
        masks[target - source] = masks.get(target - source, 0) | 1 << source
    for shift, mask in masks.items():
        moved = words & np.uint64(mask)
        out |= moved << np.uint64(shift) if shift >= 0 else moved >> np.uint64(-shift)
    return out


def spread(width: int) -> list[int]:
    """Return the places of the bits of a hash, spread evenly over the next power of two."""
    places = 1 << (width - 1).bit_length()
    return [bit * places // width for bit in range(width)]


def plan(arranged: UInt64Array, width: int, radius: int) -> tuple[Key, ...]:
    """Return the cheapest keys for hashes of `width` bits spread over places; none where comparing all pairs is."""
    count = len(arranged)
    some = arranged[:: -(-count // SAMPLE)]
    best, best_cost = tuple[Key, ...](), count * count / 2 * COMPARE_COST
    parts = 1
    while parts <= min(radius + 1, 1 << (width - 1).bit_length()):
        keys, cost = every_key(width, radius, parts), 0.0
        for key in keys:
            cost += count * (SORT_COST + count * _share_of_pairs(some, key, width) * COMPARE_COST)
            if cost >= best_cost:
                break
        if keys and cost < best_cost:
            best, best_cost = keys, cost
        parts *= 2
    return best


def _share_of_pairs(some: UInt64Array, key: Key, width: int) -> float:
    """Return what part of all pairs of hashes have the same key, by a sample.

    A key longer than the sample can tell is taken to be as good as most: bits of real hashes tell a little of one
    another, so that it parts the hashes less well than even bits would.
    """
    ordered = arrange(some, key.exchanges) >> np.uint64(key.below)
    ordered.sort()
    runs = np.diff(run_starts(ordered))
    pairs, every = int((runs * (runs - 1) // 2).sum()), len(some) * (len(some) - 1) // 2
    if pairs >= ENOUGH:
        return pairs / every
    bits = sum(key.places >> place & 1 for place in spread(width))
    share: float = min(ENOUGH / every, 0.5 ** (bits * INDEPENDENCE))
    return share


@cache
def every_key(width: int, radius: int, parts: int) -> tuple[Key, ...]:
    """Return the keys of all parts; none when the parts have too few places for their shares."""
    places = 1 << (width - 1).bit_length()
    size = places // parts
    shares = [(radius + 1 + part) // parts - 1 for part in range(parts)]  # (share + 1) summed is radius + 1
    if 1 << max(shares) > size:
        return ()
    return tuple(
        key
        for part, share in enumerate(shares)
        for key in _keys_of(places, size, places - (part + 1) * size, share)
    )


def _keys_of(places: int, size: int, low: int, share: int) -> list[Key]:
    """Return the keys of the part of `size` places from place `low`."""
    top = places - size
    whole = (1 << size) - 1
    upwards = (Exchange(top - low, whole << low),) if low != top else ()
    if share == 0:
        return [Key(whole << low, upwards, top)]
    block, half = size >> share, 1 << (share - 1)
    keys = []
    for u in range(1, 1 << share):
        highest = 1 << (u.bit_length() - 1)
        # The blocks with the highest bit of `u` come to the upper half; then each has its partner half a part below.
        aside = _blocks(block, (n for n in range(half) if n & highest)) << top
        exchanges = upwards if highest == half else (*upwards, Exchange((half - highest) * block, aside))
        for odd in (1, 0):
            # Such a block is odd exactly when its partner is even: that one is in the key which the upper is not.
            lower = (
                _blocks(block, (n for n in range(half) if (n & u & ~highest).bit_count() % 2 == odd)) << top
            )
            chosen = _blocks(block, (n for n in range(2 * half) if (n & u).bit_count() % 2 == odd)) << low
            last = (Exchange(half * block, lower),) if lower else ()
            keys.append(Key(chosen, exchanges + last, top + size // 2))
    return keys


def _blocks(size: int, numbers: Iterable[int]) -> int:
    return sum(((1 << size) - 1) << (size * number) for number in numbers)
