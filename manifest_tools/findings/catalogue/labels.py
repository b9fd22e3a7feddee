"""Codes about labels: names, taxonomy, and what was looked for."""

from __future__ import annotations

from manifest_tools.findings.catalogue.entry import ERROR, NOTE, WARNING, Entry, Variant

_TAXONOMY = "https://docs.aws.amazon.com/rekognition/latest/dg/moderation-api.html"
_TRANSFORM = "https://docs.aws.amazon.com/rekognition/latest/dg/moderation-response-transform.html"
_OURS = "our own check: what nobody looked for must not be taught as absent"

ENTRIES = (
    Entry(
        "label-unknown",
        ERROR,
        "The label is not in the taxonomy, so its image is left out whole.",
        "{label!r} is not a label of taxonomy {taxonomy}; nearest: {suggestions}",
        "Correct the name, or say in a file for --map what it means: a label, Safe, or ignore ('manifest-tools map' drafts "
        "one).",
        _TAXONOMY,
        variants={
            "unmapped": Variant(
                ERROR,
                "category {label!r} is not mapped to the taxonomy; nearest: {suggestions}",
                "Give it a label, Safe, or ignore in the file for --map ('manifest-tools map' drafts one).",
            )
        },
    ),
    Entry(
        "label-spelling",
        WARNING,
        "The label differs from a name of the taxonomy in capitals, spaces or punctuation only, and is read as it.",
        "{label!r} is read as {name!r}",
        "Write {name!r}, to be sure that every tool understands it.",
        _TAXONOMY,
    ),
    Entry(
        "label-old-taxonomy",
        WARNING,
        "The label belongs to an older version of the taxonomy and has one new name.",
        "{label!r} is a label of taxonomy {version}; it is read as {name!r}",
        "Write {name!r}.",
        _TRANSFORM,
        variants={
            "ambiguous": Variant(
                ERROR,
                "{label!r} is a label of taxonomy {version} that may mean {choices} today",
                "Look at the image and choose one of them.",
            )
        },
    ),
    Entry(
        "label-orphan",
        ERROR,
        "A row of the label table names a file that is not among the images.",
        "no image matches {reference!r}",
        "Correct the name, add the file, or remove the row.",
        "our own check",
        variants={
            "several": Variant(
                ERROR,
                "{reference!r} could be any of {matches}",
                "Write the path from the images' folder instead of the bare name.",
            ),
            "nameless": Variant(
                ERROR,
                "the row names no image, so an image that is here may lack this label",
                "Write the image's name into every row; merged cells keep it in the first one only.",
            ),
            "elsewhere": Variant(
                ERROR,
                "no image matches {reference!r}; {matches} has that name, but lies in another folder",
                "If it is the same picture, write its path from the images' folder; otherwise add the file, or "
                "remove the row.",
            ),
            "stranger": Variant(
                ERROR,
                "no image matches {reference!r}; {matches} has that name, but the folders are not the same one: "
                "{other!r} is another picture than the file of that name in this folder",
                "If it is the same picture, write its path from the images' folder; otherwise add the file, or "
                "remove the row.",
            ),
            "taken": Variant(
                ERROR,
                "no image matches {reference!r}; {matches} comes near it, but is what {other!r} means",
                "If both mean the same picture, write the same path; otherwise add the file, or remove the row.",
            ),
            "rivals": Variant(
                ERROR,
                "{reference!r} and {other!r} both come near {matches}, which can be no more than one of them",
                "Write the path from the images' folder.",
            ),
        },
    ),
    Entry(
        "label-level",
        WARNING,
        "A label below level 1 is written as it is (--label-level all). The service may not process it.",
        "{label!r} is a level {level} label; only level 1 is known to be used in training",
        "Use --label-level 1, which writes {top!r} instead.",
        "AWS re:Post answer on the manifest format for custom moderation: second-level categories are not processed",
    ),
    Entry(
        "label-contradiction",
        ERROR,
        "One source says two things of an image that cannot both be true, so the image is left out.",
        "both {label!r} and {other!r}, by the same source ({source}{rows})",
        "Decide which one is right and remove the other.",
        "our own check",
    ),
    Entry(
        "label-unchecked",
        WARNING,
        "The base model sees something in the image that nobody was asked to look for. Writing the image without "
        "this label would teach the adapter to suppress it, so the image is left out.",
        "the base model says {label!r} at {score:.1f} %, but nobody looked for it",
        "Look at the image and say whether it is there ('manifest-tools review'), "
        "name what was looked for with --checked-labels, or keep such images with --keep-unchecked.",
        _OURS,
    ),
    Entry(
        "label-unsure",
        WARNING,
        "A reviewer looked and could not say, or a second look found otherwise than the first, so the image is left out "
        "until somebody settles it.",
        "reviewers could not say, or do not agree, about {label!r}",
        "Have another look ('manifest-tools review', for a disagreement with --adjudicate), or leave the image out for good.",
        _OURS,
    ),
    Entry(
        "image-unlabelled",
        WARNING,
        "Nobody said anything about the image. It is left out; it is never taken for safe.",
        "no one has labelled this image",
        "Label it, write an explicit Safe where nothing is unsafe, or remove it.",
        _OURS,
    ),
    Entry(
        "review-disagreement",
        WARNING,
        "Two sources disagree about a label; the newest one counts. Of several tables none is newer: then neither counts, "
        "and the image is left out.",
        "{source} says {label!r} is {value}, {other} says {other_value}; {winner} counts",
        "Look at the image once more if it matters.",
        "our own check",
    ),
    Entry(
        "label-suspect",
        NOTE,
        "What was said of a label is probably wrong: the base model's score, against all scores of this label, and "
        "look-alikes speak against it. The label counts as it is until somebody corrects it.",
        "{label!r} is not given, but the base model says it with {score} %, as of images that have it "
        "({usual} % on average){witnesses}",
        "Look at the image once more: 'manifest-tools review' shows such images first.",
        "confident learning, https://doi.org/10.1613/jair.1.12125, with the base model's scores, which are out of sample",
        variants={
            "given": Variant(
                NOTE,
                "{label!r} is given, but the base model says it with {score} % only, as of images that do not have it "
                "({usual} % on average){witnesses}",
                "Look at the image once more: 'manifest-tools review' shows such images first.",
            ),
            "silent": Variant(
                NOTE,
                "{label!r} is given, but the base model does not report it{witnesses}",
                "Look at the image once more: 'manifest-tools review' shows such images first.",
            ),
            "alike": Variant(
                NOTE,
                "{label!r} is said to be {so_far}{witnesses}",
                "Look at the image once more: 'manifest-tools review' shows such images first.",
            ),
        },
    ),
    Entry(
        "label-duplicate",
        NOTE,
        "The same label is given more than once for an image; it counts once.",
        "{label!r} is given {count} times",
        "Nothing needs doing.",
        "our own check",
    ),
    Entry(
        "prediction-unknown",
        WARNING,
        "The base model reports a label that this taxonomy does not have; it counts for nothing.",
        "the base model reports {label!r} in {count} images; taxonomy {taxonomy} has no such label",
        "Check that the predictions and --taxonomy are of the same version.",
        _TAXONOMY,
    ),
    Entry(
        "prediction-orphan",
        NOTE,
        "The predictions speak of images that are not here.",
        "{count} predicted images are not among the images, for example {examples}",
        "Nothing needs doing, if the predictions cover more than this folder; "
        "otherwise check that their source-ref is --to plus the path.",
        "our own check",
    ),
)
