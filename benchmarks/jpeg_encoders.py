"""The encoders of progressive JPEG that are installed, each with settings drawn by chance."""

from __future__ import annotations

import importlib
import importlib.util
import io
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable

import numpy as np
from PIL import Image

Encoder = Callable[[Image.Image, random.Random], bytes]

QUALITIES = (40, 60, 75, 80, 85, 90, 95)
SAMPLINGS = ("1x1", "2x1", "2x2", "1x2")
# As cjpeg reads them; without one, it writes the scans that libjpeg thinks best. Bands alone; three refinements; each
# colour by itself.
SCRIPTS = (
    "0,1,2: 0-0,0,0; 0: 1-2,0,0; 1: 1-63,0,0; 2: 1-63,0,0; 0: 3-63,0,0;",
    "0,1,2: 0-0,0,2; 0,1,2: 0-0,2,1; 0,1,2: 0-0,1,0;"
    + "".join(
        f"{c}: 1-63,{high},{low};" for high, low in ((0, 3), (3, 2), (2, 1), (1, 0)) for c in (0, 1, 2)
    ),
    "".join(f"{c}: 0-0,0,1; {c}: 1-9,0,1; {c}: 10-63,0,1;" for c in (0, 1, 2))
    + "".join(f"{c}: 1-9,1,0; {c}: 10-63,1,0; {c}: 0-0,1,0;" for c in (0, 1, 2)),
)


def _piped(*command: str) -> Callable[[bytes], bytes]:
    return lambda data: subprocess.run(command, input=data, capture_output=True, check=True).stdout


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _pillow(image: Image.Image, dice: random.Random) -> bytes:
    mode = dice.choice(("RGB", "RGB", "RGB", "L", "CMYK"))
    options = {"subsampling": dice.choice((0, 1, 2))} if mode == "RGB" else {}
    return _saved(image.convert(mode), "JPEG", quality=dice.choice(QUALITIES), progressive=True, **options)


def _cjpeg(image: Image.Image, dice: random.Random) -> bytes:
    options = ["-quality", str(dice.choice(QUALITIES)), "-sample", dice.choice(SAMPLINGS)]
    if dice.random() < 0.1:
        options += ["-restart", dice.choice(("1", "50B"))]
    script = dice.choice(("", *SCRIPTS))
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(script)
        file.flush()
        options += ["-scans", file.name] if script else ["-progressive"]
        return _piped("cjpeg", *options)(_saved(image, "PPM"))


def _jpegtran(image: Image.Image, dice: random.Random) -> bytes:
    return _piped("jpegtran", "-progressive")(_saved(image, "JPEG", quality=dice.choice(QUALITIES)))


def _saved_twice(image: Image.Image, dice: random.Random) -> bytes:
    """Halve the steps of a file, so that nearly all its coefficients are even."""
    step = dice.choice((2, 4, 8))
    for steps in (2 * step, step):
        data = _saved(image, "JPEG", qtables=[[steps] * 64] * 2, subsampling=0)
        image = Image.open(io.BytesIO(data))
    return _piped("jpegtran", "-progressive")(data)


def _graphicsmagick(image: Image.Image, dice: random.Random) -> bytes:
    options = ("-interlace", "Line", "-quality", str(dice.choice(QUALITIES)))
    return _piped("gm", "convert", "-", *options, "jpg:-")(_saved(image, "PPM"))


def _opencv(image: Image.Image, dice: random.Random) -> bytes:
    cv2 = importlib.import_module("cv2")
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_QUALITY, dice.choice(QUALITIES)]
    return cv2.imencode(".jpg", np.asarray(image)[:, :, ::-1], options)[1].tobytes()


def _mozjpeg(image: Image.Image, dice: random.Random) -> bytes:
    optimise = importlib.import_module("mozjpeg_lossless_optimization").optimize
    options = {"quality": dice.choice(QUALITIES), "subsampling": dice.choice((0, 1, 2))}
    return optimise(_saved(image, "JPEG", **options))


def _libvips(image: Image.Image, dice: random.Random) -> bytes:
    pixels = importlib.import_module("pyvips").Image.new_from_array(np.asarray(image))
    names = ("trellis_quant", "overshoot_deringing", "optimize_scans")  # done where it is built with MozJPEG
    options = {name: dice.random() < 0.5 for name in names}
    return pixels.jpegsave_buffer(Q=dice.choice(QUALITIES), interlace=True, **options)


def _jpegli(image: Image.Image, dice: random.Random) -> bytes:
    encode = importlib.import_module("pyjpegli").encode
    return _piped("jpegtran", "-progressive")(
        encode(image.tobytes(), image.width, image.height, dice.choice(QUALITIES))
    )


def installed() -> dict[str, Encoder]:
    """Return the encoders whose Python packages and programs are there; name those that are left out."""
    known: dict[str, tuple[Encoder, tuple[str, ...], tuple[str, ...]]] = {
        "Pillow": (_pillow, (), ()),
        "OpenCV": (_opencv, ("cv2",), ()),
        "libvips (MozJPEG)": (_libvips, ("pyvips",), ()),
        "MozJPEG, lossless": (_mozjpeg, ("mozjpeg_lossless_optimization",), ()),
        "cjpeg": (_cjpeg, (), ("cjpeg",)),
        "jpegtran": (_jpegtran, (), ("jpegtran",)),
        "saved twice, jpegtran": (_saved_twice, (), ("jpegtran",)),
        "jpegli, jpegtran": (_jpegli, ("pyjpegli",), ("jpegtran",)),
        "GraphicsMagick": (_graphicsmagick, (), ("gm",)),
    }
    found = {}
    for name, (encoder, modules, programs) in known.items():
        if all(map(importlib.util.find_spec, modules)) and all(map(shutil.which, programs)):
            found[name] = encoder
        else:
            print(f"{name} is not installed: left out")
    return found
