"""Answers that the service would not give: a network that wants a login first, a proxy's page, one that broke off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError

# What every answer of the service has; the client library takes one that broke off for one without members.
_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "ListObjectsV2": ("IsTruncated",),
    "HeadObject": ("ContentLength", "ETag"),
    "GetObject": ("ETag",),
    "PutObject": ("ETag",),
    "DescribeProjects": ("ProjectDescriptions",),
    "DescribeProjectVersions": ("ProjectVersionDescriptions",),
}
_ITEMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ListObjectsV2": ("Contents", ("Key", "Size", "ETag")),
    "DescribeProjects": ("ProjectDescriptions", ("ProjectArn",)),
    "DescribeProjectVersions": ("ProjectVersionDescriptions", ("ProjectVersionArn", "Status")),
}


class AnswerError(BotoCoreError):
    """The answer is not one that the service gives."""

    fmt = "{reason}"


def checked(client: Any) -> Any:
    """Return a boto3 client whose calls raise :class:`AnswerError` for an answer that is not the service's."""
    call = client._make_api_call  # noqa: SLF001 - the one place that every call passes

    def make(operation: str, arguments: Mapping[str, Any]) -> Any:
        try:
            answer = call(operation, arguments)
        except (
            ResponseParserError,
            RecursionError,
        ):  # the client library follows a redirect to itself by recursion
            raise AnswerError(reason=f"{operation} got an answer that cannot be read") from None
        missing = _missing(operation, answer)
        if missing:
            raise AnswerError(reason=f"{operation} got an answer without {missing}")
        return answer

    client._make_api_call = make  # noqa: SLF001
    return client


def _missing(operation: str, answer: Mapping[str, Any]) -> str:
    """Return the first member that an answer should have and has not; "" when it has all."""
    absent = [name for name in _MEMBERS.get(operation, ()) if answer.get(name) is None]
    member, names = _ITEMS.get(operation, ("", ()))
    items: Iterable[Mapping[str, Any]] = answer.get(member) or ()
    absent += [f"{member}/{name}" for item in items for name in names if item.get(name) is None]
    return absent[0] if absent else ""
