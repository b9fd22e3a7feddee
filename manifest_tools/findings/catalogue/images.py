"""Codes about single images: what the service refuses, and what merely trains badly."""

from __future__ import annotations

from manifest_tools.findings.catalogue.entry import ERROR, NOTE, WARNING, Entry, Variant

_LIMITS = "https://docs.aws.amazon.com/rekognition/latest/dg/limits.html"
_RGB = "https://docs.aws.amazon.com/rekognition/latest/dg/images.html (colour channels only; that training reads likewise is inferred)"
_OURS = "our own check: the image cannot be trained on as it is"

ENTRIES = (
    Entry(
        "image-on-stop-list",
        ERROR,
        "The image is one of the known images of a stop list. It is left out of everything: no thumbnail, no page, no "
        "prediction and no upload holds it.",
        "it is on a stop list, and is not shown, asked about or uploaded (SHA-256 {sha256})",
        "Do not open or share it. Preserve it where it is, and report it by your own procedure.",
        "our own check: the files that --stop-list names",
    ),
    Entry(
        "image-missing",
        ERROR,
        "A label or manifest names an image, but there is no such file.",
        "the file does not exist: {uri}",
        "Correct the path, or remove the image from the list.",
        _OURS,
    ),
    Entry(
        "image-empty",
        ERROR,
        "The file has no content at all, often an upload that never started.",
        "the file is empty (0 bytes)",
        "Fetch the image again from where it came, or remove it.",
        _OURS,
    ),
    Entry(
        "image-unreadable",
        ERROR,
        "The file is there, but its content cannot be used: reading it failed, or a decoder crashed or hung on it.",
        "the file cannot be read: {reason}",
        "Check permissions and the disk; if the file opens elsewhere, save it again as JPEG or PNG.",
        _OURS,
    ),
    Entry(
        "image-format",
        ERROR,
        "The content is neither JPEG nor PNG, whatever the name says. The service reads only these two.",
        "the content is {found}, not JPEG or PNG",
        "Convert the image to JPEG or PNG (renaming the file does not change its content).",
        _LIMITS,
    ),
    Entry(
        "image-truncated",
        ERROR,
        "The file ends before the picture does: an upload or a copy was cut short.",
        "the file is cut short: {reason}",
        "Fetch the image again from where it came, or remove it.",
        _OURS,
    ),
    Entry(
        "image-corrupt",
        ERROR,
        "The file is a JPEG or PNG, but its inner structure is broken, so the pixels cannot be decoded.",
        "the image data is broken: {reason}",
        "Fetch the image again from where it came, or remove it.",
        _OURS,
    ),
    Entry(
        "image-bomb",
        ERROR,
        "Decoding would exhaust memory or time, by the pixels that the header declares, by data that swell, or by "
        "thousands of scans, markers or chunks; it was refused.",
        "decoding it would take too much memory or time: {reason}",
        "Remove the image, or scale it down with a tool that you trust to open it.",
        "our own limit, far above what the service accepts",
    ),
    Entry(
        "image-too-small",
        ERROR,
        "One side is shorter than the service accepts.",
        "{width} x {height} pixels; the service wants at least {limit} on each side",
        "Use a larger version of the image, or remove it (enlarging adds no information).",
        _LIMITS,
    ),
    Entry(
        "image-too-large",
        ERROR,
        "One side is longer than the service accepts.",
        "{width} x {height} pixels; the service takes at most {limit} on each side",
        "Scale the image down.",
        _LIMITS,
    ),
    Entry(
        "image-too-heavy",
        ERROR,
        "The file has more bytes than the service accepts for an object in S3.",
        "{bytes} bytes; the service takes at most {limit}",
        "Save the image as JPEG, at a lower quality or a smaller size.",
        _LIMITS,
    ),
    Entry(
        "image-extension",
        WARNING,
        "The name's extension says one format, the content another.",
        "the name ends in {extension}, but the content is {found}",
        "Rename the file, so that tools which trust names do not stumble.",
        "our own check",
    ),
    Entry(
        "image-damaged",
        WARNING,
        "The file decodes, but the decoder had to guess: part of the picture is likely grey, shifted or garbled.",
        "the picture decodes with damage: {reason}",
        "Look at the image; fetch it again from where it came if you can.",
        "our own check: libjpeg's warnings, which most tools swallow",
    ),
    Entry(
        "image-animated",
        WARNING,
        "The file holds several pictures; the service looks at one of them only.",
        "the file holds {frames} frames; only the first is looked at",
        "Save the frame that you mean as an image of its own.",
        "our own check",
        variants={
            "several-pictures": Variant(
                NOTE,
                "the file holds {frames} pictures, as phones store previews and depth; the first is looked at",
                "Nothing needs doing, unless you mean another one of them.",
            )
        },
    ),
    Entry(
        "image-color-mode",
        WARNING,
        "The pixels are stored in a way that common tools convert differently (CMYK, 16 bits, ...).",
        "the pixels are stored as {mode}",
        "Convert the image to 8-bit RGB.",
        "our own check: how the service converts it is not documented",
        variants={
            "coding": Variant(
                NOTE,
                "the pixels are stored in {coding} coding, which few programs read",
                "Nothing needs doing; to be sure that everybody sees the same, save the image as a baseline JPEG.",
            )
        },
    ),
    Entry(
        "image-blank",
        WARNING,
        "The picture is a single flat colour, or nearly so, as the model reads it: there is nothing to learn from it.",
        "the picture is blank",
        "Remove the image, unless blank pictures are what you want to teach.",
        "our own check",
    ),
    Entry(
        "image-hidden-by-alpha",
        ERROR,
        "The service reads the colours of a picture and passes over its transparency: people see one scene, the model another.",
        "the colours show a scene that transparency hides from people",
        "Look at both pictures on the review page; save the one that you mean without transparency, or remove the image.",
        _RGB,
        variants={
            "two-scenes": Variant(
                ERROR,
                "people see one scene, and the colours, which the model reads, show another",
                "Look at both pictures on the review page; save the one that you mean without transparency, or remove the image.",
            ),
            "unseen-scene": Variant(
                ERROR,
                "people see a scene that is made of transparency alone; the model reads a flat field",
                "Save the picture on a background, without transparency.",
            ),
            "shape-alone": Variant(
                WARNING,
                "most of what people see is made of transparency, which the model does not read",
                "Save the picture on a background, without transparency.",
            ),
            "cut-out": Variant(
                NOTE,
                "the picture is cut out; the model sees the colours under the transparency, not what the page has behind it",
                "Nothing needs doing; to decide on the background, save the picture without transparency.",
            ),
        },
    ),
    Entry(
        "image-text-damaged",
        NOTE,
        "A chunk of a PNG file that holds text or the like, and no pixels, has a wrong checksum. The picture is sound.",
        "wrong checksum in its {chunks}, beside sound pixels",
        "Nothing needs doing; saving the image again removes it.",
        "our own check: https://www.w3.org/TR/png-3/#5Chunk-naming-conventions (ancillary chunks)",
    ),
    Entry(
        "image-orientation",
        NOTE,
        "The EXIF data turns or mirrors the stored pixels for display.",
        "EXIF orientation {orientation}: shown turned or mirrored against the stored pixels",
        "Nothing needs doing; to be sure of what is looked at, save the image upright.",
        "https://docs.aws.amazon.com/rekognition/latest/dg/images-orientation.html",
    ),
    Entry(
        "image-metadata",
        NOTE,
        "The file tells more than the picture shows: names, serial numbers, a thumbnail that may show what was cropped "
        "away, comments. It leaves the house with the file. Values are never printed.",
        "the file holds more than the picture: {kinds}",
        "Publish with --strip-metadata: copies without it are sent, and their pixels are the same.",
        "our own check: what is sent to a service may be kept there",
        variants={
            "gps": Variant(
                WARNING,
                "the file tells where the picture was taken: {kinds}",
                "Publish with --strip-metadata: copies without it are sent, and their pixels are the same.",
            )
        },
    ),
    Entry(
        "image-derived",
        NOTE,
        "A copy is sent in the place of the image, which stays as it is: the policy or an option asked for it.",
        "a {format} copy is sent in its place: {reason}",
        "Nothing needs doing; the copy is in the folder derived/, named by its content.",
        "what was asked for",
    ),
    Entry(
        "image-not-derived",
        WARNING,
        "A copy was asked for, and could not be made.",
        "no copy could be made: {reason}",
        "Save the image as JPEG or PNG by another tool, or leave it out.",
        _OURS,
        variants={
            "metadata": Variant(
                ERROR,
                "its metadata could not be left out: {reason}",
                "Save the image anew without metadata, or remove it.",
            )
        },
    ),
)
