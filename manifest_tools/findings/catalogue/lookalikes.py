"""Codes about images that are copies, or nearly copies, of each other."""

from __future__ import annotations

from manifest_tools.findings.catalogue.entry import ERROR, NOTE, WARNING, Entry, Variant

_OURS = "our own check: look-alikes in train and test make the measured improvement too good"

ENTRIES = (
    Entry(
        "duplicate-conflict",
        ERROR,
        "Copies of one picture carry different labels, so at least one of them is wrong.",
        "byte for byte the same as {other}, but labelled {labels} against {other_labels}",
        "Decide which labels are right and give them to every copy, or keep one copy. If the picture shows both, a table "
        "can say so (--labels FILE): several labels of one image are split by ;.",
        "our own check: contradictory ground truth cannot be learnt",
        variants={
            "near": Variant(
                WARNING,
                "looks the same as {other}, but is labelled {labels} against {other_labels}",
                "Look at both; give both the same labels if they show the same thing.",
            )
        },
    ),
    Entry(
        "duplicate-across-splits",
        ERROR,
        "Look-alikes stand on both sides of the split, so the test set contains what training has seen.",
        "looks the same as {other}, which is in {other_split}",
        "Put look-alikes on one side: split again, or leave one of them out.",
        _OURS,
        variants={
            "locked": Variant(
                ERROR,
                "look-alikes of this new image are locked in train and in test; it is left out",
                "Nothing needs doing; start over with --fresh if the earlier split no longer matters.",
            )
        },
    ),
    Entry(
        "duplicate-exact",
        NOTE,
        "Several files hold the same bytes. They stay together in the split, but count only once.",
        "byte for byte the same as {other}",
        "Keep one copy, unless you want it to weigh more.",
        _OURS,
    ),
    Entry(
        "duplicate-near",
        NOTE,
        "The picture is another version (size, quality, crop, mirrored, turned) of one that is there already.",
        "looks the same as {other}",
        "Nothing needs doing: look-alikes stay on one side of the split and count once in effective counts.",
        _OURS,
    ),
)
