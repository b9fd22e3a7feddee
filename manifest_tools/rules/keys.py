"""Rules about the names that objects will have in S3."""

from __future__ import annotations

from collections.abc import Iterator

from manifest_tools.findings import Finding
from manifest_tools.keys import discouraged_characters, refused_keys, source_refs
from manifest_tools.rules.evidence import Evidence


def object_keys(evidence: Evidence) -> Iterator[Finding]:
    """Keys that S3 refuses, and keys with characters that it advises against.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    refused = list(refused_keys(evidence.dataset))
    for row, reason in enumerate(refused):
        if reason:
            yield evidence.about(row, "object-key", reason=reason)
    for row, reference in enumerate(source_refs(evidence.dataset)):
        characters = discouraged_characters(reference)
        if characters and not refused[row]:
            shown = " ".join(
                character if character.isprintable() else repr(character)[1:-1] for character in characters
            )
            yield evidence.about(row, "object-key", variant="advised-against", characters=shown)
