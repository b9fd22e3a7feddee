import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.duplicates import near_pairs, neighbours


def brute_force(hashes, radius):
    rows = hashes[:, None] if hashes.ndim == 1 else hashes
    pairs = set()
    for row in range(len(rows)):
        distance = np.bitwise_count(rows[row] ^ rows[row + 1 :]).sum(axis=1)
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


def planted(seed, count, words, near):
    """Return random hashes, of which some are others with a few bits changed."""
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 1 << 64, (count, words), dtype=np.uint64)
    copies = hashes[: count // 4].copy()
    for _ in range(near):
        bit = random.integers(0, 64, len(copies), dtype=np.uint64)
        copies[np.arange(len(copies)), random.integers(0, words, len(copies))] ^= np.uint64(1) << bit
    return np.unique(np.concatenate([hashes, copies]), axis=0)


@pytest.mark.parametrize(("words", "radius"), [(1, 0), (1, 3), (1, 8), (1, 20), (2, 10), (4, 31)])
def test_pairs_are_those_of_brute_force(words, radius):
    hashes = planted(radius, 3000, words, min(radius, 12) + 1)
    assert found(hashes, radius) == brute_force(hashes, radius)


@pytest.mark.parametrize("words", [1, 4])
def test_a_dense_cluster_is_told_in_full(words):
    random = np.random.default_rng(5)
    count = neighbours.LONG_RUN + 100
    hashes = planted(1, 1000, words, 2)
    flips = random.integers(0, 1 << 20, count, dtype=np.uint64)
    flips &= random.integers(0, 1 << 20, count, dtype=np.uint64)
    cluster = np.repeat(hashes[:1], count, axis=0)
    cluster[:, 0] ^= flips
    hashes = np.unique(np.concatenate([hashes, cluster]), axis=0)
    assert found(hashes, 6) == brute_force(hashes, 6)


def test_constant_bits_do_no_harm():
    hashes = np.unique(planted(2, 2000, 1, 3) & np.uint64(0xFFFF_F000_0000_0FFF))
    assert found(hashes, 4) == brute_force(hashes, 4)


def test_only_the_bits_in_use_count():
    hashes = np.unique(planted(3, 3000, 1, 3) >> np.uint64(10))
    assert found(hashes, 6, bits=54) == brute_force(hashes, 6)


@given(st.lists(st.integers(0, (1 << 64) - 1), unique=True, max_size=60), st.integers(0, 64))
def test_any_few_hashes(values, radius):
    hashes = np.array(values, dtype=np.uint64)
    assert found(hashes, radius) == brute_force(hashes, radius)


def test_every_plan_is_exact(monkeypatch):
    """Plans for many hashes are exact on few, too."""
    hashes = planted(4, 1500, 2, 7)
    expected = brute_force(hashes, 8)
    for count in (1, 2, 3):
        for need in (1, 3, 5):
            monkeypatch.setattr(
                neighbours, "_plan", lambda *_, c=count, n=need: neighbours._cut(128, 8, c, n)
            )
            assert found(hashes, 8) == expected


@pytest.mark.parametrize(("radius", "bits"), [(-1, None), (256, None), (3, 0), (3, 65)])
def test_misuse_is_refused(radius, bits):
    with pytest.raises(ValueError, match=r"expected radius in 0\.\.255 and bits in 1\.\.64"):
        next(near_pairs(np.arange(4, dtype=np.uint64), radius, bits=bits))
