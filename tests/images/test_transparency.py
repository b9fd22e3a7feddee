"""What transparency hides, from pixels: attacks and honest pictures, through files and the command line's own inspection."""

import numpy as np
import pytest
from PIL import Image

from manifest_tools.images.facts import read_facts
from manifest_tools.pipeline.inspect import inspect
from tests.images.samples import encoded, photograph

WIDTH, HEIGHT = 320, 240


def grey(seed, size=(WIDTH, HEIGHT)):
    """Return a photograph as values from 0 to 1."""
    return np.asarray(photograph(*size, seed).convert("L"), dtype=float) / 255


def layers(colours, alpha):
    """Return an RGBA picture of two layers of values from 0 to 1."""
    return Image.fromarray(
        np.dstack(
            [np.round(np.clip(layer, 0, 1) * 255) for layer in (colours, colours, colours, alpha)]
        ).astype(np.uint8)
    )


def for_viewers(model, people, backdrop=1.0):
    """Return a picture that shows `people` on a white or black page, and whose colours are `model`."""
    if backdrop:
        model, people = model / 2, 0.5 + people / 2
        return layers(model, (1 - people) / (1 - model))
    model, people = 0.5 + model / 2, people / 2
    return layers(model, people / model)


def resized(picture, size):
    """Return a picture with colours and transparency scaled apart, as who hides something would."""
    bands = [band.resize(size, Image.Resampling.LANCZOS) for band in picture.split()]
    return Image.merge("RGBA", bands)


def palette(picture):
    """Return an RGBA picture as a palette PNG whose colours have a transparency each."""
    few = picture.quantize(200, method=Image.Quantize.FASTOCTREE)
    assert few.mode == "P"
    return encoded(few, "PNG")


def box(outside=1.0, inside=0.0):
    mask = np.full((HEIGHT, WIDTH), outside)
    mask[60:180, 80:240] = inside
    return mask


def disc(soft=False):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(rows - HEIGHT / 2, columns - WIDTH / 2)
    return np.clip((100 - distance) / (60 if soft else 1), 0, 1)


def kind(data):
    remarks = dict(part.partition(": ")[::2] for part in read_facts(data).remarks.split("; "))
    return remarks.get("hidden-by-alpha", "")


SCENES = {
    "on a white page": for_viewers(grey(1), grey(2)),
    "on a black page": for_viewers(grey(1), grey(2), backdrop=0.0),
    "made small": resized(for_viewers(grey(3), grey(4)), (100, 90)),
    "made large": resized(for_viewers(grey(5), grey(6)), (900, 700)),
}
HIDDEN = {
    "the whole scene": layers(grey(1), np.zeros((HEIGHT, WIDTH))),
    "the whole scene, nearly": layers(grey(1), np.full((HEIGHT, WIDTH), 0.08)),
    "part of a scene": layers(grey(2), box()),
    "all but a part": layers(grey(3), box(0.0, 1.0)),
    "made small": resized(layers(grey(4), box(0.0, 1.0)), (110, 90)),
    "made large": resized(layers(grey(4), box(0.0, 1.0)), (900, 700)),
}
SEEN_ONLY = {
    "black on white": layers(np.zeros((HEIGHT, WIDTH)), 1 - grey(1)),
    "white on black": layers(np.ones((HEIGHT, WIDTH)), grey(2)),
    "grey": layers(np.full((HEIGHT, WIDTH), 0.4), 1 - grey(3)),
}


@pytest.mark.parametrize("name", SCENES)
def test_two_scenes_in_one_file(name):
    assert kind(encoded(SCENES[name], "PNG")) == "two-scenes"


@pytest.mark.parametrize("name", HIDDEN)
def test_a_scene_that_only_the_model_sees(name):
    assert kind(encoded(HIDDEN[name], "PNG")) == "hidden-scene"


@pytest.mark.parametrize("name", SEEN_ONLY)
def test_a_scene_that_only_people_see(name):
    assert kind(encoded(SEEN_ONLY[name], "PNG")) == "unseen-scene"


def test_the_attacks_as_palette_pictures():
    assert kind(palette(for_viewers(grey(1), grey(2)))) == "two-scenes"
    assert kind(palette(SEEN_ONLY["black on white"])) == "unseen-scene"
    indexed = photograph(WIDTH, HEIGHT, 7).convert("L").convert("P")
    assert kind(encoded(indexed, "PNG", transparency=bytes(256))) == "hidden-scene"


def test_grey_with_transparency():
    hidden = Image.merge(
        "LA", [photograph(WIDTH, HEIGHT, 1).convert("L"), Image.new("L", (WIDTH, HEIGHT), 0)]
    )
    assert kind(encoded(hidden, "PNG")) == "hidden-scene"


def test_a_colour_that_is_declared_transparent():
    """Black letters, say, on a page that turns black into nothing: flat below, and so a cut-out."""
    picture = Image.fromarray((disc() * 200 + grey(1) * 55 * (disc() > 0)).astype(np.uint8)).convert("RGB")
    assert kind(encoded(picture, "PNG", transparency=(0, 0, 0))) == "cut-out"
    wide = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    assert kind(encoded(wide, "PNG", transparency=0)) == "cut-out"


HONEST = {
    "cut out, black below": (layers(grey(1) * disc(), disc()), "cut-out"),
    "cut out, white below": (layers(np.where(disc() > 0, grey(1), 1), disc()), "cut-out"),
    "two tones below": (
        layers(np.where(disc() > 0, grey(1), np.indices((HEIGHT, WIDTH))[1] > 30), disc()),
        "cut-out",
    ),
    "a soft shadow": (layers(grey(1) * (disc() > 0.9), disc(soft=True)), "cut-out"),
    "a black icon": (layers(np.zeros((HEIGHT, WIDTH)), disc()), "shape-alone"),
    "a white icon": (layers(np.ones((HEIGHT, WIDTH)), disc()), "shape-alone"),
    "opaque": (layers(grey(1), np.ones((HEIGHT, WIDTH))), ""),
    "nearly opaque": (layers(grey(1), np.full((HEIGHT, WIDTH), 0.995)), ""),
    "clear corners": (layers(grey(1), np.pad(np.ones((HEIGHT - 2, WIDTH - 2)), 1)), ""),
    "clear and flat": (layers(np.ones((HEIGHT, WIDTH)), np.zeros((HEIGHT, WIDTH))), None),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_pictures(name):
    picture, expected = HONEST[name]
    found = kind(encoded(picture, "PNG"))
    assert found == expected if expected is not None else found in {"", "cut-out", "shape-alone"}


def test_fingerprints_follow_the_colours_and_what_people_see_is_kept_beside_them():
    scene, other = photograph(WIDTH, HEIGHT, 1).convert("L"), photograph(WIDTH, HEIGHT, 2).convert("L")
    both = for_viewers(grey(1), grey(2))
    facts, plain = read_facts(encoded(both, "PNG")), read_facts(encoded(scene.point(lambda v: v // 2), "PNG"))
    assert facts.phash == plain.phash
    assert facts.shown[:16] != facts.views[:16]
    seen = read_facts(encoded(other.point(lambda v: 128 + v // 2), "PNG"))
    assert (int(facts.shown[:16], 16) ^ int(seen.views[:16], 16)).bit_count() <= 3
    assert plain.shown == ""


def test_blank_is_what_the_model_sees():
    assert "blank" in read_facts(encoded(SEEN_ONLY["black on white"], "PNG")).remarks
    assert "blank" not in read_facts(encoded(HIDDEN["the whole scene"], "PNG")).remarks


def test_findings_and_groups_of_a_folder(tmp_path):
    files = {
        "two.png": encoded(for_viewers(grey(1), grey(2)), "PNG"),
        "hidden.png": encoded(HIDDEN["the whole scene"], "PNG"),
        "unseen.png": encoded(SEEN_ONLY["black on white"], "PNG"),
        "icon.png": encoded(HONEST["a black icon"][0], "PNG"),
        "cut.png": encoded(HONEST["cut out, black below"][0], "PNG"),
        "opaque.png": encoded(photograph(WIDTH, HEIGHT, 8).convert("RGBA"), "PNG"),
        "photo.jpg": encoded(photograph(WIDTH, HEIGHT, 9)),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    report = inspect(tmp_path, cache=False)
    found = {f.location.image: f.severity.value for f in report.findings if f.code == "image-hidden-by-alpha"}
    assert found == {
        "two.png": "error", "hidden.png": "error", "unseen.png": "error", "icon.png": "warning", "cut.png": "note",
    }  # fmt: skip
