"""Files as cameras, phones and programs lay them out: the picture, and everything that they write beside it."""

import io
import shutil
import subprocess
import zlib

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.images.samples import encoded, photograph, png_chunk

EXIFTOOL = shutil.which("exiftool")
SECRETS = (b"Zebulon", b"SN-4711", b"cropped away")
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:GPSLatitude="52,31N" aux:SerialNumber="SN-4711">'
    b"<dc:creator>Zebulon</dc:creator></rdf:Description></x:xmpmeta>"
)


def exif(orientation=6, *, gps=True, order="little"):
    """Return EXIF data with a position, an owner and serial numbers."""
    made = Image.Exif()
    made.endian = "<" if order == "little" else ">"
    made[0x0112], made[0x010E], made[0x013B] = orientation, "cropped away", "Zebulon"
    made.get_ifd(0x8769).update({0xA430: "Zebulon", 0xA431: "SN-4711", 0x9286: b"ASCII\0\0\0cropped away"})
    if gps:
        made.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return made.tobytes()


def with_segments(data, *segments):
    """Return a JPEG file with more segments at its begin, each a marker and its body."""
    made = b"".join(
        b"\xff" + bytes([marker]) + (len(body) + 2).to_bytes(2) + body for marker, body in segments
    )
    return data[:2] + made + data[2:]


def thumbnail_exif():
    """Return EXIF data with a thumbnail in its second directory."""
    small = encoded(photograph(160, 120, 3), quality=60)
    first = b"\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00" + (26).to_bytes(4)
    second = b"\x00\x02" + b"\x02\x01\x00\x04\x00\x00\x00\x01" + (56).to_bytes(4)
    second += b"\x02\x02\x00\x04\x00\x00\x00\x01" + len(small).to_bytes(4) + bytes(4)
    return b"MM\x00*\x00\x00\x00\x08" + first + second + small


def iptc():
    """Return a Photoshop segment with a caption."""
    caption = b"\x1c\x02\x50\x00\x07Zebulon"
    return b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + len(caption).to_bytes(4) + caption


def phone_with_film():
    """Return a photograph with a film behind it, which tells a place."""
    film = b"\0\0\0\x18ftypmp42" + bytes(12) + b"\xa9xyz+52.52+013.40/" + bytes(400)
    return encoded(photograph(320, 240, 8), exif=exif()) + film


def phone_with_depth():
    """Return two pictures in one file, the second with a position of its own."""
    buffer = io.BytesIO()
    first, second = photograph(320, 240, 1), photograph(160, 120, 2)
    first.save(buffer, "MPO", save_all=True, append_images=[second], exif=exif())
    return buffer.getvalue()


def png_text():
    """Return a PNG file with every kind of text, before and behind the picture."""
    info = PngInfo()
    info.add_text("Author", "Zebulon")
    info.add_text("Comment", "cropped away", zip=True)
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    info.add_itxt("Description", "SN-4711", zip=True)
    data = encoded(photograph(160, 120), "PNG", pnginfo=info, exif=exif(), icc_profile=ICC)
    late = png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile(exif())))
    time = png_chunk(b"tIME", b"\x07\xe8\x01\x01\x01\x01\x01")
    return data[:-12] + late + time + png_chunk(b"prVt", b"Zebulon") + data[-12:] + b"SN-4711"


def raw_profile(data):
    """Return EXIF data as ImageMagick writes them into a text."""
    body = b"Exif\0\0" + data
    return f"\nexif\n{len(body):8}\n{body.hex()}\n".encode()


def icc():
    """Return a colour profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


ICC = icc()
PHOTO = photograph(320, 240, 7)
SAMPLES = {
    "camera little-endian": encoded(PHOTO, exif=exif(), icc_profile=ICC, comment=b"Zebulon"),
    "camera big-endian": encoded(PHOTO, exif=exif(8, order="big"), quality=95, subsampling=0),
    "camera with thumbnail": with_segments(encoded(PHOTO), (0xE1, b"Exif\0\0" + thumbnail_exif())),
    "editor": with_segments(
        encoded(PHOTO, icc_profile=ICC),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        (0xED, iptc()),
        (0xEC, b"Ducky\0\x01\0\x04\0\0\0\x50\0\0"),
    ),
    "progressive": encoded(PHOTO, progressive=True, exif=exif(3)),
    "grey": encoded(PHOTO.convert("L"), exif=exif(5)),
    "print": encoded(PHOTO.convert("CMYK"), exif=exif()),
    "restarts": encoded(PHOTO, restart_marker_blocks=4, exif=exif()),
    "JFIF thumbnail": with_segments(
        encoded(PHOTO)[:2] + encoded(PHOTO)[20:], (0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\x02\x02" + bytes(12))
    ),
    "film": phone_with_film(),
    "depth": phone_with_depth(),
    "png": png_text(),
    "png palette": encoded(PHOTO.convert("P"), "PNG", exif=exif(), transparency=3),
    "png 16 bits": encoded(Image.new("I;16", (90, 90), 40_000), "PNG", exif=exif(7)),
    "png film": encoded(
        PHOTO, "PNG", save_all=True, append_images=[photograph(320, 240, 9)], exif=exif()
    ),
}  # fmt: skip


def by_exiftool(path):
    """Write into a JPEG or PNG file what cameras and programs write, by exiftool."""
    tags = [
        "-GPSLatitude=52.52", "-GPSLatitudeRef=N", "-GPSLongitude=13.405", "-GPSLongitudeRef=E", "-XMP:GPSLatitude=52.52",
        "-OwnerName=Zebulon", "-SerialNumber=SN-4711", "-LensSerialNumber=SN-4711", "-Artist=Zebulon",
        "-XMP:Creator=Zebulon", "-Comment=cropped away", "-UserComment=cropped away", "-n", "-Orientation=6",
    ]  # fmt: skip
    subprocess.run([EXIFTOOL, "-q", "-overwrite_original", *tags, str(path)], check=True, capture_output=True)


def told_by_exiftool(path):
    """Return everything that exiftool finds in a file."""
    done = subprocess.run(
        [EXIFTOOL, "-a", "-G1", "-s", "-ee", "-n", str(path)], check=True, capture_output=True, text=True
    )
    return done.stdout


def position(data):
    """Return the GPS directory of a file as Pillow reads it."""
    with Image.open(io.BytesIO(data)) as image:
        return dict(image.getexif().get_ifd(0x8825))
