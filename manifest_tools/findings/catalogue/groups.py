"""Codes about images that belong together by more than their looks, and about parts of a data set."""

from __future__ import annotations

from manifest_tools.findings.catalogue.entry import ERROR, NOTE, WARNING, Entry, Variant

_OURS = "our own check: what training has seen of a source must not be what the adapter is tested on"

ENTRIES = (
    Entry(
        "group-across-splits",
        ERROR,
        "Images of one group (--group-by) stand on both sides of the split, so the test set is not independent.",
        "{group}: stands in test, and {other} of the same group in train",
        "Split again; where the sides were locked before the groups were known, start over with --fresh.",
        _OURS,
        variants={
            "locked": Variant(
                ERROR,
                "{group}: images of this group are locked in train and in test; this new one is left out",
                "Nothing needs doing; start over with --fresh if the earlier split no longer matters.",
            )
        },
    ),
    Entry(
        "group-large",
        WARNING,
        "One group (--group-by) holds more than a tenth of the images, which must all stand on one side of the split.",
        "{group}: holds {count} of {total} usable images ({percent} %), all on one side of the split",
        "Collect images from more sources, or keep fewer of this one: many images of one source teach less than they count.",
        _OURS,
    ),
    Entry(
        "split-uneven",
        NOTE,
        "A label could not be divided as evenly as single images could be, because groups (--group-by) stay whole.",
        "{test} of {count} images are in test, where {fair} would be fair: they are of {groups} groups, of which the largest "
        "({group}) has {largest}",
        "Collect images with this label from more sources, if its figures matter.",
        _OURS,
    ),
    Entry(
        "slice-small",
        WARNING,
        "Slices (--slice) have so few test images that an evaluation can hardly tell anything of them.",
        "{column}: {count} with fewer than {limit} test images, the smallest first: {slices}",
        "Collect images for these slices, or judge the adapter on the whole test set alone.",
        "our own check: with so few images no difference between two models is told from chance",
    ),
)
