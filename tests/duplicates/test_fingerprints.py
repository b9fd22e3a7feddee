import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.duplicates.fingerprints import HASH_BITS, NO_FINGERPRINT, VIEWS, describe
from manifest_tools.duplicates.orientation import FLIPPED, MIRRORED, TRANSPOSED, turn_hashes
from tests.pictures import scene

HASH = np.uint64((1 << HASH_BITS) - 1)


def words(grey):
    views = describe(grey).views
    return np.array([int(views[i : i + 16], 16) for i in range(0, len(views), 16)], dtype=np.uint64)


def differing(a, b):
    return int(np.bitwise_count((words(a)[0] ^ words(b)[0]) & HASH))


def test_lengths_are_fixed():
    print_ = describe(scene(0))
    assert [len(part) for part in print_] == [16, 16 * len(VIEWS), 1024]
    assert all(set(part) <= set("0123456789abcdef") for part in print_)


@pytest.mark.parametrize("value", [0, 1, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (96, 128)])
def test_flat_picture_has_none(shape, value):
    assert describe(np.full(shape, value, dtype=np.uint8)) == NO_FINGERPRINT


def test_faint_noise_is_flat():
    noise = np.random.default_rng(0).integers(126, 131, (100, 100)).astype(np.uint8)
    assert describe(noise) == NO_FINGERPRINT


def test_fine_texture_is_not_flat():
    """Its lowest frequencies are weak, but the same in every copy."""
    rows, columns = np.mgrid[:128, :128]
    grey = (128 + 60 * np.sin(rows * 1.3) * np.sin(columns * 0.9) + scene(0, 128, 128) / 20).astype(np.uint8)
    assert differing(grey, (grey * 0.8).astype(np.uint8)) <= 1


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_any_shape_gets_some_answer(height, width, seed):
    grey = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    assert describe(grey) == NO_FINGERPRINT or len(describe(grey).phash) == 16


def test_scale_does_not_matter():
    grey = scene(1, 480, 640)
    half = grey.reshape(240, 2, 320, 2).mean(axis=(1, 3)).astype(np.uint8)
    assert differing(grey, half) <= 1


def test_brightness_and_contrast_do_not_matter():
    grey = scene(2)
    assert differing(grey, (grey * 0.7 + 20).astype(np.uint8)) <= 1


@pytest.mark.parametrize("tone", [0, 128, 255])
@pytest.mark.parametrize("width", [1, 3, 8])
def test_a_frame_does_not_matter(width, tone):
    grey = scene(4) // 3
    assert differing(grey, np.pad(grey, width, constant_values=tone)) <= 3


@pytest.mark.parametrize("margin", [4, 20])
def test_the_ground_of_a_drawing_is_no_frame(margin):
    """Cut off as far as the drawing reaches, it would make another picture of a copy with a line on the ground."""
    rows, columns = np.mgrid[-64:64, -64:64]
    drawing = np.where(np.hypot(rows, columns) < 64 - margin, scene(5, 128, 128) // 2, 255).astype(np.uint8)
    lined = drawing.copy()
    lined[-2, 50:78] = 0
    assert differing(drawing, lined) <= 3


def test_different_pictures_differ():
    hashes = np.array([words(scene(seed))[0] & HASH for seed in range(30)])
    distances = np.bitwise_count(hashes[:, None] ^ hashes[None, :])
    assert distances[np.triu_indices(30, k=1)].min() > 10


TURNS = {
    MIRRORED: lambda grey: grey[:, ::-1],
    FLIPPED: lambda grey: grey[::-1],
    TRANSPOSED: lambda grey: grey.T,
    MIRRORED + FLIPPED: lambda grey: grey[::-1, ::-1],
    MIRRORED + TRANSPOSED: lambda grey: grey[:, ::-1].T,
    FLIPPED + TRANSPOSED: lambda grey: grey[::-1].T,
    MIRRORED + FLIPPED + TRANSPOSED: lambda grey: grey[::-1, ::-1].T,
}


@pytest.mark.parametrize("turn", TURNS)
def test_hash_is_turned_without_its_picture(turn):
    grey = scene(3)
    turned = turn_hashes(words(grey)[:1] & HASH, turn)
    assert int(np.bitwise_count(turned ^ (words(TURNS[turn](grey))[:1] & HASH))[0]) <= 1
