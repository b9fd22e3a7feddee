"""Codes about videos of which frames are taken."""

from __future__ import annotations

from manifest_tools.findings.catalogue.entry import ERROR, NOTE, WARNING, Entry, Variant

_OURS = "our own check"

ENTRIES = (
    Entry(
        "video-unreadable",
        ERROR,
        "No frame of the video can be taken: it is empty, broken, encrypted or no video, or FFmpeg crashed or hung on "
        "it. The other videos are not touched by that.",
        "no frame can be taken: {reason}",
        "Fetch the video again from where it came, or remove it.",
        _OURS,
        variants={
            "broken": Variant(
                ERROR,
                "the file is broken or no video: {reason}",
                "Fetch the video again from where it came, or remove it.",
            ),
            "empty": Variant(
                ERROR,
                "the file is empty (0 bytes)",
                "Fetch the video again from where it came, or remove it.",
            ),
            "encrypted": Variant(
                ERROR, "the video is encrypted", "Export it without protection, if you may; or remove it."
            ),
            "no-picture": Variant(
                ERROR,
                "the file holds no stream of video: sound alone, or a broken header",
                "Remove it from the videos, or fetch it again.",
            ),
            "too-large": Variant(
                ERROR,
                "its frames are larger than 100 million pixels: {reason}",
                "Make a smaller copy of the video.",
            ),
            "too-long": Variant(
                ERROR,
                "it says to be so long that more than 100,000 frames would be taken: {reason}",
                "Give a longer --every, or cut the video.",
            ),
            "stuck": Variant(
                ERROR,
                "decoding crashed or hung, and was ended: {reason}",
                "If the video plays elsewhere, export it again as H.264 in MP4.",
            ),
        },
    ),
    Entry(
        "video-damaged",
        WARNING,
        "Parts of the video cannot be decoded, or it ends early. Frames of the other parts are there.",
        "parts cannot be decoded: {reason}",
        "Fetch the video again from where it came, if frames of these parts matter.",
        _OURS,
    ),
    Entry(
        "video-adapted",
        NOTE,
        "The video is unusual; its frames are made as players show it.",
        "the video is unusual",
        "Nothing needs doing.",
        _OURS,
        variants={
            "rotated": Variant(
                NOTE, "players turn or mirror the video; its frames are upright", "Nothing needs doing."
            ),
            "deep": Variant(
                NOTE, "the video has more than 8 bits a colour; its frames have 8", "Nothing needs doing."
            ),
            "hdr": Variant(
                NOTE,
                "the video is HDR; bright tones are compressed and colours converted to sRGB",
                "Look at a few frames: they should look as on an ordinary screen.",
            ),
            "pixels": Variant(
                NOTE, "the pixels of the video are not square; its frames are widened", "Nothing needs doing."
            ),
            "variable-rate": Variant(
                NOTE,
                "the frame rate varies; the times in frames.csv are those of the frames themselves",
                "Nothing needs doing.",
            ),
            "limit": Variant(
                NOTE,
                "{found} frames were worth taking; --limit keeps {kept}, evenly spread",
                "Give a higher --limit for more.",
            ),
        },
    ),
    Entry(
        "video-orphan",
        WARNING,
        "A row names a video that is not there, or that several could be, or a moment after its end.",
        "{named!r} names none of the videos, or several",
        "Write the path of the video from the folder that is given.",
        _OURS,
        variants={
            "after-end": Variant(
                WARNING,
                "a frame at {moment:g} s is wanted, but the video ends at {duration:g} s",
                "Correct the time; in tables a bare number is in seconds.",
            )
        },
    ),
)
