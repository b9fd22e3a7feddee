"""Pictures made on the spot, and ways to break them."""

import io
import random
import struct
import zlib
from functools import cache

import numpy as np
from PIL import Image


@cache
def photograph(width=640, height=480, seed=0):
    """Return something with the statistics of a photograph: smooth shapes, edges and fine grain."""
    random_state = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for cells in (4, 16, 64):
        coarse = random_state.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        layer = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        picture += np.asarray(layer, np.float32) / 3
    picture += random_state.normal(0, 4, picture.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def encoded(image, kind="JPEG", **options):
    """Return the image's bytes in a format."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(kind, body=b""):
    """Return one PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(*chunks):
    """Return a PNG file of these chunks."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def scan_of(data):
    """Return where the entropy-coded data of the first scan of a JPEG begin, and where the file's end marker is."""
    start = data.index(b"\xff\xda")
    return start + 2 + int.from_bytes(data[start + 2 : start + 4]), data.rindex(b"\xff\xd9")


def damaged(data, how, seed):
    """Return a JPEG file with silent damage somewhere in its picture data."""
    start, end = scan_of(data)
    other = encoded(photograph(640, 480, 99), quality=88)
    at = random.Random(seed).randrange(start, end - 4096)
    return {
        "zeroed": data[:at] + bytes(4096) + data[at + 4096 :],
        "deleted": data[:at] + data[at + 1024 :],
        "spliced": data[:at] + other[len(other) // 2 : len(other) // 2 + 4096] + data[at + 4096 :],
        "joined": data[:at] + other[len(other) // 2 :],
    }[how]
