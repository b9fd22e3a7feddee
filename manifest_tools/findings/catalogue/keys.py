"""Codes about the names that objects will have in S3."""

from __future__ import annotations

from manifest_tools.findings.catalogue.entry import ERROR, WARNING, Entry, Variant

ENTRIES = (
    Entry(
        "object-key",
        ERROR,
        "The object key that the image would get is one that S3 refuses or that tools mistreat.",
        "the object key {reason}",
        "Rename the file, or use --keys sha256.",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html",
        variants={
            "advised-against": Variant(
                WARNING,
                "the object key holds characters that S3 advises against: {characters}",
                "It works, but some tools mistreat such keys; rename the file, or use --keys sha256.",
            )
        },
    ),
)
