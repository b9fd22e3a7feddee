"""Codes about manifest files: syntax, shape, references and limits."""

from __future__ import annotations

from manifest_tools.catalogue.entry import ERROR, WARNING, Entry, Variant

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
        "RFC 8259",
    ),
    Entry(
        "json-duplicate-key",
        ERROR,
        "An object has the same key twice; readers disagree about which one counts.",
        "the key {key!r} stands twice in one object",
        "Remove one of the two.",
        "RFC 8259, section 4",
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
            )
        },
    ),
    Entry(
        "schema",
        ERROR,
        "A member of the line is missing or has the wrong shape.",
        "expected {expected}, found {found}",
        "Correct the member; 'manifest-tools explain schema' names the layouts.",
        _FORMAT,
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
            )
        },
    ),
    Entry(
        "bucket-mixed",
        ERROR,
        "The images of one manifest are in more than one bucket.",
        "images are in {count} buckets: {buckets}",
        "Copy the images into one bucket.",
        _FORMAT,
    ),
    Entry(
        "duplicate-source-ref",
        ERROR,
        "The same image stands in more than one line.",
        "the image stands already in {other}",
        "Keep one of the lines.",
        "https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/debugging-datasets-terminal-errors.html",
    ),
    Entry(
        "manifest-kind",
        ERROR,
        "The line's layout is not the one that is expected here.",
        "this line is {found}; {expected} is expected",
        "Convert the manifest ('manifest-tools convert'), or split it by kind.",
        _FORMAT,
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
        "job-failed",
        WARNING,
        "The labelling job failed for this image, so the line carries no label.",
        "the labelling job failed: {reason}",
        "Label the image again; it is never taken for safe.",
        "our own check",
    ),
)
