"""What Pillow is needed for: every format but plain JPEG, and the last word on a JPEG that looks broken."""

from __future__ import annotations

import importlib
import io
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, TiffImagePlugin, UnidentifiedImageError

from manifest_tools.core.two_views import eight_bits, is_wide, levels_of
from manifest_tools.images.exif import IMAGE_LENGTH, IMAGE_WIDTH, ORIENTATION
from manifest_tools.images.frames import MAX_FRAMES, gif_pictures, tiff_pictures
from manifest_tools.images.transparency import Planes

Grey = npt.NDArray[np.uint8]

# Left out: formats that start other programs (EPS, WMF), and those with signatures that any file may fit.
FORMATS: Final[Mapping[str, str]] = {  # Pillow's name -> its plug-in
    "JPEG": "Jpeg", "MPO": "Mpo", "PNG": "Png", "GIF": "Gif", "WEBP": "WebP", "TIFF": "Tiff", "BMP": "Bmp",
    "AVIF": "Avif", "ICO": "Ico", "CUR": "Cur", "ICNS": "Icns", "PSD": "Psd", "JPEG2000": "Jpeg2K",
    "PPM": "Ppm", "QOI": "Qoi", "DDS": "Dds", "SGI": "Sgi", "SUN": "Sun", "XBM": "Xbm", "XPM": "Xpm",
    "PCX": "Pcx",
}  # fmt: skip
_ANIMATED: Final = {"GIF", "WEBP", "PNG", "AVIF"}
_PAGED: Final = {"MPO", "TIFF"}
_COUNTED: Final = {"TIFF": tiff_pictures, "GIF": gif_pictures}
_BAND: Final = 1 << 18  # pixels that are turned to grey at a time: so many stay in the cache of a processor
_SETTINGS: Final = threading.RLock()  # Pillow's limit and Python's warning filters are global


class DecodeFailure(NamedTuple):
    """Why Pillow cannot read a picture: `kind` as in ``decode_error``, and its words."""

    kind: str
    detail: str


class DecodedImage(NamedTuple):
    """What Pillow says of a picture. `planes` is None when it was only opened."""

    format: str
    width: int
    height: int
    mode: str
    frames: int
    animated: bool
    orientation: int
    alpha: bool
    damage: str
    planes: Planes | None


def read(
    data: bytes,
    formats: Iterable[str] = FORMATS,
    *,
    short_side: int | None,
    max_pixels: int,
    max_decoded: int,
) -> DecodedImage | DecodeFailure:
    """Open a picture with Pillow and, unless `short_side` is None, decode all pixels of its first frame.

    Parameters
    ----------
    data : bytes
        The whole file.
    formats : iterable of str
        Pillow's names of the formats to try.
    short_side : int or None
        How many pixels the shorter side of the grey picture keeps at least, where there are so many.
    max_pixels : int
        Pictures that declare more are refused before their pixels are touched.
    max_decoded : int
        The pixels of larger pictures are not decoded.
    """
    try:
        with _settings(max_pixels), Image.open(io.BytesIO(data), formats=_loaded(formats)) as image:
            wanted = short_side if image.width * image.height <= max_decoded else None
            Image.MAX_IMAGE_PIXELS = min(max_pixels, max_decoded) // 2  # of pictures within the picture
            return _describe(image, data, wanted)
    except UnidentifiedImageError:
        return DecodeFailure("corrupt", "no decoder recognises its header")
    except Image.DecompressionBombError:
        return DecodeFailure("bomb", f"it declares more than {max_pixels:,} pixels")
    except MemoryError:
        return DecodeFailure("bomb", "memory does not suffice to decode it")
    except Exception as error:  # noqa: BLE001 - plug-ins raise anything on broken files, even SyntaxError
        return _failure(error)


def _loaded(formats: Iterable[str]) -> list[str]:
    """Import the plug-ins of `formats`; return those that this Pillow has."""
    for name in formats:
        if name not in Image.OPEN:
            importlib.import_module(f"PIL.{FORMATS[name]}ImagePlugin")
    return [name for name in formats if name in Image.OPEN]


@contextmanager
def _settings(max_pixels: int) -> Iterator[None]:
    """Set Pillow's pixel limit and silence its warnings, for one thread at a time."""
    with _SETTINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = max_pixels // 2  # Pillow warns from here, and refuses above the double
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _failure(error: Exception) -> DecodeFailure:
    # remarks join by ";"
    words = " ".join(str(error).replace(";", ",").split())[:200] or type(error).__name__
    lower = words.lower()
    if "too large" in lower or "too much" in lower:
        return DecodeFailure("bomb", words)
    if isinstance(error, EOFError) or "truncated" in lower or "not enough" in lower or "too short" in lower:
        return DecodeFailure("truncated", words)
    return DecodeFailure("corrupt", words)


def _describe(image: Image.Image, data: bytes, short_side: int | None) -> DecodedImage:
    kind, mode, size, orientation = image.format or "", image.mode, image.size, _orientation(image)
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # Pillow gives the size as shown, not as stored
        size = image.tag_v2[IMAGE_WIDTH], image.tag_v2[IMAGE_LENGTH]
    planes = None
    if short_side is not None:
        image.load()
        planes = planes_of(image, short_side)
    frames, damage = _frames(image, data)
    return DecodedImage(
        "JPEG" if kind == "MPO" else kind,
        *size,
        mode,
        frames,
        kind in _ANIMATED and frames > 1,
        orientation,
        image.has_transparency_data,
        damage,
        planes,
    )


def _frames(image: Image.Image, data: bytes) -> tuple[int, str]:
    """Return how many pictures there are, up to `MAX_FRAMES`, and what is wrong with the later ones."""
    if image.format in _COUNTED:
        return max(1, _COUNTED[image.format](data)), ""
    if image.format not in _ANIMATED | _PAGED:
        return 1, ""
    try:
        return min(int(getattr(image, "n_frames", 1)), MAX_FRAMES), ""
    except Exception as error:  # noqa: BLE001 - as above; the first picture is sound
        return 1, f"a later picture: {_failure(error).detail}"


def _orientation(image: Image.Image) -> int:
    if image.format == "PNG":  # Pillow would decode all pixels for it; our own walk knows
        return 1
    try:
        value = int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - as above; metadata never condemns a picture
        return 1
    return value if 1 <= value <= 8 else 1


def planes_of(image: Image.Image, short_side: int) -> Planes:
    """Return a loaded picture as 8-bit luma planes, reduced by a whole factor: the colours as they are, and on white.

    Both are reduced after they are told apart: what reduces colours and transparency together drops what is hidden. Band
    by band, so that no second copy of a large picture is made.
    """
    factor = max(1, min(image.size) // short_side)
    # only whole cells: a narrower one at the end would seem to stretch the picture
    width, height = (side // factor * factor for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    levels = levels_of(image)
    clear = image.has_transparency_data
    step = max(factor, _BAND // width // factor * factor)
    bands = [
        _planes_of_band(
            image.crop((left, top + at, left + width, top + min(at + step, height))),
            factor,
            levels,
            clear=clear,
        )
        for at in range(0, height, step)
    ]
    planes = [np.concatenate(list(plane)) for plane in zip(*bands, strict=True)]
    return Planes(*planes) if clear and planes[2].min() < 255 else Planes(planes[0])


def _planes_of_band(
    image: Image.Image, factor: int, levels: tuple[float, float], *, clear: bool
) -> tuple[Grey, ...]:
    colours, alpha = _told_apart(image, levels)
    if not clear:
        return (_grey(colours, factor),)
    grey = colours if colours.mode == "L" else colours.convert("L")
    small = _reduced(grey, factor)
    cover = Image.new("L", small.size, 255) if alpha is None else _reduced(alpha, factor)
    if alpha is None or cover.getextrema() == (255, 255):
        shown = small
    else:  # what is left of the colours, and white: of a mean of both it does not matter when it is taken
        left = _reduced(ImageChops.multiply(grey, alpha), factor)
        shown = ImageChops.add(left, ImageChops.invert(cover))
    return _array(small), _array(shown), _array(cover)


def _told_apart(image: Image.Image, levels: tuple[float, float]) -> tuple[Image.Image, Image.Image | None]:
    """Return a picture in a mode that Pillow reduces, without transparency, and the transparency if it has any."""
    if is_wide(image):
        image = eight_bits(image, levels)
    if image.mode == "LA":
        return image.getchannel("L"), image.getchannel("A")
    if image.has_transparency_data:
        full = image if image.mode == "RGBA" else image.convert("RGBA")
        return full.convert("L"), full.getchannel("A")
    return image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB"), None


def _grey(image: Image.Image, factor: int) -> Grey:
    """Reduce a picture by a whole factor, and return its luma."""
    return _array(_reduced(image, factor).convert("L"))


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    return image.reduce(factor) if factor > 1 else image


def _array(image: Image.Image) -> Grey:
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8))


def webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a WebP file by its header, zeros when it is not readable.

    Pillow allocates the whole canvas when it opens a WebP file, so the size must be known before.
    """
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return 0, 0
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return 0, 0
