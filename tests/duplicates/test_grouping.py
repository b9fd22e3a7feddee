import numpy as np
import pandas as pd
import pytest
from PIL import Image

from manifest_tools import Dataset, group_duplicates
from manifest_tools.duplicates import grouping
from manifest_tools.duplicates.fingerprints import describe
from manifest_tools.images.raster import planes_of
from tests.pictures import scene


def dataset(pictures, **columns):
    prints = [describe(grey)._asdict() for grey in pictures.values()]
    rows = pd.DataFrame(prints).assign(image=list(pictures), **columns)
    return Dataset.from_tables(rows)


def groups(data, **options):
    images = group_duplicates(data, **options).images
    return dict(zip(images["image"], images["group"], strict=True))


def framed(grey):
    return np.pad(grey, 3)


def captioned(grey):
    out = grey.copy()
    out[-14:-4, 30:130:4] = 255
    out[-14:-4, 32:130:4] = 0
    return out


COPIES = {
    "half": lambda grey: grey[::2, ::2],
    "brighter": lambda grey: np.minimum(grey * 1.2, 255).astype(np.uint8),
    "less contrast": lambda grey: (grey * 0.8 + 25).astype(np.uint8),
    "cropped 3 %": lambda grey: grey[4:-4, 5:-5],
    "cropped 8 %": lambda grey: grey[10:-10, 13:-13],
    "cropped at a corner": lambda grey: grey[:-10, 13:],
    "bottom cut off": lambda grey: grey[:-12],
    "framed": framed,
    "dark in a white frame": lambda grey: np.pad(grey // 4, 5, constant_values=255),
    "captioned": captioned,
    "mirrored": lambda grey: grey[:, ::-1],
    "upside down": lambda grey: grey[::-1, ::-1],
    "turned left": np.rot90,
    "turned right": lambda grey: np.rot90(grey, 3),
    "mirrored and cropped": lambda grey: grey[6:-6, -8:8:-1],
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_is_found_among_others(copy):
    pictures = {f"{seed}.jpg": scene(seed) for seed in range(10)}
    pictures["z.jpg"] = np.ascontiguousarray(COPIES[copy](scene(7)))
    expected = {name: name for name in pictures} | {"z.jpg": "7.jpg"}
    assert groups(dataset(pictures)) == expected


def test_all_copies_are_one_group():
    pictures = {name: np.ascontiguousarray(copy(scene(1))) for name, copy in COPIES.items()} | {
        "a": scene(1),
        "b": scene(2),
    }
    assert groups(dataset(pictures)) == dict.fromkeys(pictures, "a") | {"b": "b"}


def test_a_fine_texture_is_found_at_half_its_size():
    """Its size is no multiple of what the grey copy is reduced by: a hair's breadth of stretching would tell."""
    rows, columns = np.mgrid[:512, :512]
    bricks = 120 + 60 * np.sign(np.sin(rows / 3.5)) * np.sign(np.sin(columns / 4.5)) + scene(8, 512, 512) / 8
    texture = Image.fromarray(bricks.astype(np.uint8))
    pictures = {"a": planes_of(texture, 96).grey, "b": planes_of(texture.reduce(2), 96).grey, "c": scene(1)}
    assert groups(dataset(pictures)) == {"a": "a", "b": "a", "c": "c"}


def test_flat_pictures_never_group():
    pictures = {name: np.full((100, 100), 255, dtype=np.uint8) for name in "abc"}
    assert groups(dataset(pictures)) == {"a": "a", "b": "b", "c": "c"}


def test_small_drawings_on_white_do_not_clump():
    pictures = {}
    for seed in range(40):
        canvas = np.full((128, 128), 255, dtype=np.uint8)
        canvas[40:88, 40:88] = np.where(scene(seed, 48, 48) > 128, 0, 255)
        pictures[f"{seed}.png"] = canvas
    assert groups(dataset(pictures)) == {name: name for name in pictures}


def test_same_bytes_group_without_a_fingerprint():
    data = Dataset.from_tables(pd.DataFrame({"image": ["c", "b", "a", "d"], "sha256": ["x", "", "x", ""]}))
    assert groups(data) == {"a": "a", "b": "b", "c": "a", "d": "d"}


def test_same_bytes_bring_their_look_alikes_together():
    data = dataset({"a": scene(1), "b": scene(1)[::2, ::2], "c": scene(1)[::2, ::2]}, sha256=["1", "2", "2"])
    assert groups(data) == {"a": "a", "b": "a", "c": "a"}


def test_exact_only():
    data = dataset({"a": scene(1), "b": scene(1), "c": scene(1)[::2, ::2]}, sha256=["1", "1", "2"])
    assert groups(data, near=False) == {"a": "a", "b": "a", "c": "c"}


def test_no_images():
    assert groups(Dataset.from_tables(pd.DataFrame({"image": []}))) == {}


def test_fingerprints_of_another_layout_are_passed_over():
    data = dataset({"a": scene(1), "b": scene(1)})
    old = data.images.assign(views=data.images["views"].str[:32])
    assert groups(Dataset.from_tables(old)) == {"a": "a", "b": "b"}


def test_order_of_the_images_does_not_matter():
    pictures = {
        f"{seed}{name}": np.ascontiguousarray(copy(scene(seed)))
        for seed in range(4)
        for name, copy in COPIES.items()
    }
    names = list(pictures)
    np.random.default_rng(0).shuffle(names)
    assert groups(dataset(pictures)) == groups(dataset({name: pictures[name] for name in names}))


def test_many_versions_of_one_picture():
    grey = scene(5).astype(int)
    random = np.random.default_rng(0)
    versions = {
        f"{i:04}": np.clip(grey + random.integers(-4, 5, grey.shape), 0, 255).astype(np.uint8)
        for i in range(400)
    }
    assert set(groups(dataset(versions)).values()) == {"0000"}


def test_input_is_unchanged_and_the_step_is_recorded():
    data = dataset({"a": scene(1), "b": scene(1)[::2, ::2]})
    before = data.fingerprint()
    after = group_duplicates(data)
    assert data.fingerprint() == before
    assert after.history[-1]["step"] == "group"
    assert after.history[-1]["options"]["near"] is True


def test_progress_ends_at_the_total():
    seen = []
    pictures = {name: np.ascontiguousarray(copy(scene(1))) for name, copy in COPIES.items()}
    group_duplicates(dataset(pictures), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 0


@pytest.mark.parametrize(("asked", "threads"), [(None, 7), (2, 2)])
def test_workers_are_all_processors_unless_told_otherwise(monkeypatch, asked, threads):
    monkeypatch.setattr("manifest_tools.parallel.executors.default_workers", lambda: 7)
    used = []
    search = grouping.candidate_hits

    def watched(*arguments, workers, **options):
        used.append(workers)
        return search(*arguments, workers=workers, **options)

    monkeypatch.setattr(grouping, "candidate_hits", watched)
    group_duplicates(dataset({"a": scene(1), "b": scene(2)}), workers=asked)
    assert used == [threads]
