import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.duplicates import hamming_join, hamming_keys, near_pairs


def brute_force(hashes, radius):
    pairs = set()
    for row in range(len(hashes)):
        distance = np.bitwise_count(hashes[row] ^ hashes[row + 1 :])
        pairs |= {(row, row + 1 + int(i), int(distance[i])) for i in np.flatnonzero(distance <= radius)}
    return pairs


def found(hashes, radius, **options):
    pairs = [
        pair
        for piece in near_pairs(hashes, radius, **options)
        for pair in zip(*(c.tolist() for c in piece), strict=True)
    ]
    assert len(pairs) == len(set(pairs))
    return set(pairs)


def planted(seed, count, near):
    """Return random hashes, of which some are others with a few bits changed."""
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 1 << 64, count, dtype=np.uint64)
    copies = hashes[: count // 4].copy()
    for _ in range(near):
        copies ^= np.uint64(1) << random.integers(0, 64, len(copies), dtype=np.uint64)
    return np.unique(np.concatenate([hashes, copies]))


@pytest.mark.parametrize("radius", [0, 3, 8, 20])
def test_pairs_are_those_of_brute_force(radius):
    hashes = planted(radius, 3000, min(radius, 12) + 1)
    assert found(hashes, radius) == brute_force(hashes, radius)


def test_a_dense_cluster_is_told_in_full():
    random = np.random.default_rng(5)
    count = hamming_join.LONG_RUN + 100
    hashes = planted(1, 1000, 2)
    flips = random.integers(0, 1 << 20, count, dtype=np.uint64)
    flips &= random.integers(0, 1 << 20, count, dtype=np.uint64)
    hashes = np.unique(np.concatenate([hashes, hashes[0] ^ flips]))
    assert found(hashes, 6) == brute_force(hashes, 6)


def test_constant_bits_do_no_harm():
    hashes = np.unique(planted(2, 2000, 3) & np.uint64(0xFFFF_F000_0000_0FFF))
    assert found(hashes, 4) == brute_force(hashes, 4)


@given(st.lists(st.integers(0, (1 << 64) - 1), unique=True, max_size=60), st.integers(0, 64))
def test_any_few_hashes(values, radius):
    hashes = np.array(values, dtype=np.uint64)
    expected = brute_force(hashes, radius)
    assert found(hashes, radius) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hamming_join, "AT_ONCE", 1)
        assert found(hashes, radius) == expected


def test_every_plan_is_exact(monkeypatch):
    """Plans for many hashes are exact on few, too."""
    hashes = planted(4, 1500, 6)
    expected = brute_force(hashes, 6)
    for parts in (1, 2, 4):
        monkeypatch.setattr(
            hamming_join,
            "plan",
            lambda _, width, radius, p=parts: hamming_keys.every_key(width, radius, min(p, radius + 1)),
        )
        assert found(hashes, 6) == expected


@given(st.integers(1, 64), st.integers(0, 20), st.sampled_from([1, 2, 4, 8, 16]), st.data())
def test_hashes_near_each_other_share_a_key(width, radius, parts, data):
    every = hamming_keys.every_key(width, radius, parts) if parts <= radius + 1 else ()
    spread = hamming_keys.spread(width)
    flipped = data.draw(st.sets(st.sampled_from(range(width)), max_size=radius))
    difference = sum(1 << spread[bit] for bit in flipped)
    assert not every or any(key.places & difference == 0 for key in every)


@given(st.integers(1, 64), st.integers(0, 8), st.sampled_from([1, 2, 4]), st.integers(0, (1 << 64) - 1))
def test_exchanges_bring_a_key_to_the_top_and_back(width, radius, parts, value):
    places = hamming_keys.spread(width)
    word = hamming_keys.move(np.array([value & ((1 << width) - 1)], dtype=np.uint64), range(width), places)
    for key in hamming_keys.every_key(width, radius, parts) if parts <= radius + 1 else ():
        moved = hamming_keys.arrange(word, key.exchanges)
        assert hamming_keys.arrange(moved, key.exchanges[::-1]) == word
        assert hamming_keys.arrange(word & np.uint64(key.places), key.exchanges) == moved >> np.uint64(
            key.below
        ) << np.uint64(key.below)
    assert hamming_keys.move(word, places, range(width)) == value & ((1 << width) - 1)


def test_threads_change_nothing(monkeypatch):
    monkeypatch.setattr(hamming_join, "FEW", 0)
    hashes = planted(6, 3000, 3)
    alone, together = (list(near_pairs(hashes, 5, workers=workers)) for workers in (1, 3))
    for one, other in zip(alone, together, strict=True):
        for column, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(column, same)


@pytest.mark.parametrize("radius", [-1, 65])
def test_misuse_is_refused(radius):
    with pytest.raises(ValueError, match=r"expected radius in 0\.\.64"):
        next(near_pairs(np.arange(4, dtype=np.uint64), radius))
