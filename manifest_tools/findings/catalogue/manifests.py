"""Codes about manifest files: syntax, shape, references and limits."""

from __future__ import annotations

from manifest_tools.findings.catalogue.entry import ERROR, NOTE, WARNING, Entry, Variant

_FORMAT = "https://docs.aws.amazon.com/rekognition/latest/dg/using-adapters-manifest-files.html"
_GROUND_TRUTH = "https://docs.aws.amazon.com/sagemaker/latest/dg/sms-input-data-input-manifest.html"
_LINES = "https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/tm-debugging-json-line-errors.html"
_FILES = "https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/tm-terminal-errors-reference.html"

ENTRIES = (
    Entry(
        "json-syntax",
        ERROR,
        "The line is not valid JSON.",
        "not valid JSON at column {column}: {reason}",
        "Correct the line; each line must hold one complete JSON object.",
        "https://www.rfc-editor.org/rfc/rfc8259",
    ),
    Entry(
        "json-duplicate-key",
        ERROR,
        "An object has the same key twice; readers disagree about which one counts.",
        "the key {key!r} stands twice in one object",
        "Remove one of the two.",
        "https://www.rfc-editor.org/rfc/rfc8259#section-4",
    ),
    Entry(
        "json-not-object",
        ERROR,
        "The line is valid JSON, but not an object.",
        "expected a JSON object, found {found}",
        "Write one JSON object for each image.",
        _FORMAT,
    ),
    Entry(
        "encoding",
        ERROR,
        "The file is not UTF-8.",
        "not UTF-8 at byte {byte} of the line",
        "Save the file as UTF-8.",
        _GROUND_TRUTH,
        variants={
            "byte-order-mark": Variant(
                WARNING,
                "the file begins with a byte-order mark",
                "Save the file as UTF-8 without a byte-order mark ('validate --fix' does it).",
            ),
            "utf-16": Variant(
                ERROR,
                "the file is UTF-16",
                "Save the file as UTF-8 ('validate --fix' does it).",
            ),
        },
    ),
    Entry(
        "schema",
        ERROR,
        "A member of the line is missing or has the wrong shape.",
        "expected {expected}, found {found}",
        "Correct the member; the layouts are described in schemas/ and in the guide to manifests.",
        _FORMAT,
        variants={
            "undocumented": Variant(
                NOTE,
                "the member {field} is not documented for adapters (lines that have it: {count})",
                "Remove it, unless you know that the service accepts it.",
            )
        },
    ),
    Entry(
        "source-ref-uri",
        ERROR,
        "The source-ref is not an S3 URI of the form s3://bucket/key.",
        "{value!r} {reason}",
        "Write s3://bucket/key with the object's key as it is, not URL-encoded.",
        _LINES,
        variants={
            "percent": Variant(
                WARNING,
                "{value!r} looks URL-encoded; the key is taken as it is",
                "Write the object's key as it is, unless it really holds these percent signs.",
            ),
            "old-bucket": Variant(
                WARNING,
                "{value!r} names the bucket {bucket!r}, as only buckets made before 2018 can be called",
                "Check the bucket's name; today it is 3 to 63 lower-case letters, digits, dots and hyphens.",
            ),
        },
    ),
    Entry(
        "bucket-mixed",
        ERROR,
        "The images of one manifest are in more than one bucket.",
        "images are in {count} buckets: {buckets}",
        "Copy the images into one bucket.",
        _FORMAT,
        variants={
            "other-kinds": Variant(
                WARNING,
                "images are in {count} buckets: {buckets}; adapters and Custom Labels want one",
                "Copy the images into one bucket before you train with them.",
            )
        },
    ),
    Entry(
        "duplicate-source-ref",
        ERROR,
        "The same image stands in more than one line.",
        "the image stands already in {other}",
        "Keep one of the lines.",
        "https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/debugging-datasets-terminal-errors.html",
        variants={
            "differ": Variant(
                ERROR,
                "the image stands already in {other}, with other labels: {other_labels} there, {labels} here",
                "Look at the image, keep the line that is right, and remove the other.",
            ),
            "processed": Variant(
                WARNING,
                "the image stands already in {other}; it is processed, and paid for, twice",
                "Keep one of the lines ('validate --fix' does it).",
            ),
            "across-files": Variant(
                WARNING,
                "the image stands also in {other}",
                "Nothing needs doing, unless one file is for training and the other for testing.",
            ),
            "across-files-differ": Variant(
                ERROR,
                "the image stands also in {other}, with other labels: {other_labels} there, {labels} here",
                "Look at the image and correct the line that is wrong.",
            ),
        },
    ),
    Entry(
        "manifest-kind",
        ERROR,
        "The line's layout is not the one that is expected here.",
        "this line is {found}; {expected} is expected",
        "Convert the manifest ('manifest-tools convert'), or split it by kind.",
        _FORMAT,
        variants={
            "related": Variant(
                WARNING,
                "this line is {found}, most lines are {expected}; tools that want one kind leave it out",
                "Nothing needs doing to convert it for an adapter; a Custom Labels project uses one of the kinds.",
            ),
            "unsupported": Variant(
                WARNING,
                "no line has a label for a whole image or a box, only {types}",
                "Nothing can be taken over into an adapter's manifest from these labels.",
            ),
        },
    ),
    Entry(
        "manifest-empty",
        ERROR,
        "The manifest has no lines.",
        "the manifest has no lines",
        "Write a line for each image.",
        _FILES,
    ),
    Entry(
        "line-too-long",
        ERROR,
        "The line is longer than manifests may have.",
        "the line has more than {limit} characters",
        "Shorten the line: remove members that are not needed.",
        _GROUND_TRUTH,
    ),
    Entry(
        "confidence-unit",
        ERROR,
        "The confidences of a model are fractions; the service writes per cent, from 0 to 100.",
        "in all {count} lines with confidences the highest is at most 1 (here {score:g}): these are fractions",
        "Multiply the confidences by 100.",
        "https://docs.aws.amazon.com/rekognition/latest/APIReference/API_ModerationLabel.html",
        variants={
            "output": Variant(
                ERROR,
                "in {count} lines the highest confidence is at most 1 (here {score:g}), in others it is more; a "
                "training's output has confidences from 5 on",
                "Multiply by 100 what is a fraction.",
            ),
            "mixed": Variant(
                WARNING,
                "in {count} lines the highest confidence is at most 1 (here {score:g}), in others it is far above",
                "Multiply by 100 what is a fraction; nothing needs doing, if the model was asked for answers from 0 on.",
            ),
        },
    ),
    Entry(
        "class-map",
        ERROR,
        "The label ids and the maps that name them do not fit together.",
        "{reason}",
        "Give every id one entry in class-map, and in confidence-map where there is one.",
        _LINES,
    ),
    Entry(
        "box-geometry",
        ERROR,
        "A bounding box is not inside its image, or has no area.",
        "{reason}",
        "Correct the box.",
        _LINES,
        variants={
            "too-small": Variant(
                WARNING,
                "the box is {width} x {height} pixels; Custom Labels wants more than 1 x 1 "
                "after shrinking the image to 1280 pixels",
                "Remove the box before you use the manifest for Custom Labels.",
            ),
            "too-many": Variant(
                WARNING,
                "{count} boxes; Custom Labels takes at most {limit} in one image",
                "Remove boxes before you use the manifest for Custom Labels.",
            ),
        },
    ),
    Entry(
        "blank-line",
        WARNING,
        "An empty line; Custom Labels counts it as an invalid one.",
        "the line is blank",
        "Remove it ('validate --fix' does it).",
        "https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/md-create-manifest-file-validation-rules.html",
    ),
    Entry(
        "manifest-too-large",
        WARNING,
        "The file is larger than neighbouring services take; the limit for adapters is not documented.",
        "{bytes} bytes; neighbouring services take at most {limit}",
        "Use fewer lines.",
        _FILES,
    ),
    Entry(
        "manifest-too-many-lines",
        WARNING,
        "The file has more lines than neighbouring services take; the limit for adapters is not documented.",
        "{count} lines; neighbouring services take at most {limit}",
        "Use fewer lines ('manifest-tools select' chooses the most useful images).",
        _FILES,
    ),
    Entry(
        "label-uncertain",
        WARNING,
        "The labelling job's confidence in a label is below the limit, so its image is left out of the conversion.",
        "the labelling job's confidence in {label!r} is below {limit}",
        "Look at the image, or lower --label-confidence.",
        "our own check",
    ),
    Entry(
        "nothing-chosen",
        WARNING,
        "People chose none of a labelling job's classes. That says nothing about what the job did not ask for, "
        "so the image is left out of the conversion.",
        "none of the job's classes was chosen",
        "Use --empty-is-safe if the job's classes cover everything unsafe.",
        "our own check",
    ),
    Entry(
        "job-failed",
        WARNING,
        "The labelling job failed for this image, so the line carries no label.",
        "the labelling job failed: {reason}",
        "Label the image again; it is never taken for safe.",
        "our own check",
        variants={
            "service": Variant(
                WARNING,
                "the service left a remark on this line: {aws_code}: {reason}",
                "Repair what the service found, and remove the remark.",
            )
        },
    ),
)
