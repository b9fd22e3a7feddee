import numpy as np
import pytest

from manifest_tools.duplicates import candidates, hamming_join
from manifest_tools.duplicates.candidates import BEST, candidate_hits
from manifest_tools.duplicates.fingerprints import USABLE_BIT, VIEWS
from manifest_tools.duplicates.orientation import TURNS, canonical_hashes


def related_views(seed, count):
    """Return the views of images, of which many are near each other, and of which a few views are not usable."""
    random = np.random.default_rng(seed)
    words = random.integers(0, 1 << USABLE_BIT, (count, len(VIEWS)), dtype=np.uint64)
    words[:, 5:] = words[:, 3:4]
    words[count // 2 :] = words[random.integers(0, count // 2, count - count // 2)]
    for _ in range(2):
        words ^= np.uint64(1) << random.integers(0, 54, words.shape, dtype=np.uint64)
    return words | (random.random(words.shape) < 0.9).astype(np.uint64) << np.uint64(USABLE_BIT)


def by_hand(words, rows, radius):
    looks = []
    for view in range(len(VIEWS)):
        some = canonical_hashes(words[rows, view], view, rows)
        looks += zip(some.owner.tolist(), some.look.tolist(), some.hash.tolist(), strict=True)
    met = {}
    for a, look, value in looks:
        for b, other, second in looks:
            distance = (value ^ second).bit_count()
            kinds = {look // TURNS, other // TURNS}
            if a < b and distance <= radius and (len(kinds) == 1 or 0 in kinds):
                met.setdefault((a, b), []).append((distance, look, other))
    return [(*pair, *hit) for pair in sorted(met) for hit in sorted(met[pair])[:BEST]]


def listed(hits):
    columns = (hits.first, hits.second, hits.distance, hits.first_look, hits.second_look)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize(
    ("together", "workers", "chunk"), [(2, 1, 1 << 20), (1, 1, 50), (3, 2, 1), (10, 3, 1 << 20)]
)
def test_hits_are_the_best_few_of_each_pair(monkeypatch, together, workers, chunk):
    monkeypatch.setattr(candidates, "TOGETHER", together)
    monkeypatch.setattr(candidates, "CHUNK", chunk)
    monkeypatch.setattr(hamming_join, "FEW", 0)
    words = related_views(1, 40)
    rows = np.delete(np.arange(40), [3, 30])
    expected = by_hand(words, rows, 4)
    assert len(expected) > 30
    assert listed(candidate_hits(words, rows, radius=4, workers=workers)) == expected


def test_no_images_have_no_hits():
    none = np.zeros((0, len(VIEWS)), dtype=np.uint64)
    assert listed(candidate_hits(none, np.arange(0), radius=4)) == []
