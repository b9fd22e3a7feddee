"""Projects and their adapters: find, list, look at, delete."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from manifest_tools.aws.request_checks import check_call
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.storage.aws_errors import remote_errors

FEATURE = "CONTENT_MODERATION"
_ARN = re.compile(
    r"(?P<start>arn:[^:]+:rekognition:(?P<region>[^:]+):\d{12}:project/(?P<project>[^/]+))"
    r"/version/(?P<version>[^/]+)/\d+"
)


@dataclass(frozen=True)
class Adapter:
    """What Amazon says of an adapter.

    Attributes
    ----------
    project, version : str
        Names.
    arn : str
    status : str
        TRAINING_IN_PROGRESS, TRAINING_COMPLETED, TRAINING_FAILED, DEPRECATED, EXPIRED or DELETING.
    message : str
        Amazon's words on the status.
    base_model : str
        The base model that it was trained on.
    created : str
        When its training began, ISO 8601; empty when Amazon does not say.
    threshold : float or None
        The confidence threshold that it was trained for.
    f1 : float or None
        Amazon's F1 score, after a training that succeeded.
    billed_seconds : int or None
        What its training is billed for, after it succeeded.
    """

    project: str
    version: str
    arn: str
    status: str
    message: str = ""
    base_model: str = ""
    created: str = ""
    threshold: float | None = None
    f1: float | None = None
    billed_seconds: int | None = None

    @property
    def usable(self) -> bool:
        """Whether it answers when it is asked."""
        return self.status in ("TRAINING_COMPLETED", "DEPRECATED")

    def to_dict(self) -> dict[str, Any]:
        """Return the members, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class AdapterName:
    """The parts of an adapter's ARN."""

    project: str
    version: str
    region: str

    @classmethod
    def parse(cls, arn: str) -> AdapterName:
        """Read an adapter's ARN.

        Raises
        ------
        InputError
        """
        match = _ARN.fullmatch(arn)
        if match is None:
            raise InputError(
                f"{arn!r} is no adapter; expected arn:aws:rekognition:REGION:ACCOUNT:project/NAME/version/NAME/NUMBER "
                "('manifest-tools adapters list' shows them)"
            )
        return cls(match["project"], match["version"], match["region"])


def list_adapters(client: Any, *, project: str | None = None) -> Iterator[Adapter]:
    """Yield the adapters of one project or of all, the latest of each project first.

    Raises
    ------
    RemoteError
    """
    names = {"ProjectNames": [project]} if project else {}
    for description in _projects(client, **names):
        arn = description["ProjectArn"]
        versions = _pages(
            client,
            "describe_project_versions",
            "ProjectVersionDescriptions",
            f"Listing the adapters of {_name_of(arn)}",
            ProjectArn=arn,
        )
        yield from (adapter_from(version) for version in versions)


def find_project(client: Any, name: str) -> str | None:
    """Return the ARN of the moderation project of that name, or None.

    Raises
    ------
    InputError
        The name cannot be one.
    RemoteError
    """
    check_call(client, "DescribeProjects", {"ProjectNames": [name]})
    found = [p["ProjectArn"] for p in _projects(client, ProjectNames=[name])]
    return found[0] if found else None


def describe_version(client: Any, project_arn: str, version: str) -> dict[str, Any] | None:
    """Return Amazon's description of one adapter, or None when the project has none of that name.

    Raises
    ------
    RemoteError
    """
    doing = f"Looking at adapter {version} of {_name_of(project_arn)}"
    with remote_errors(doing):
        # One name: among several, an old failure would be taken for this one's.
        answer = client.describe_project_versions(ProjectArn=project_arn, VersionNames=[version])
    descriptions: list[dict[str, Any]] = _whole(answer, "ProjectVersionDescriptions", doing)
    return descriptions[0] if descriptions else None


def describe_adapter(client: Any, arn: str) -> dict[str, Any]:
    """Return Amazon's description of an adapter.

    Raises
    ------
    InputError
        The ARN is malformed, or there is no such adapter.
    RemoteError
    """
    name = AdapterName.parse(arn)
    project = find_project(client, name.project)
    description = describe_version(client, project, name.version) if project else None
    if description is None or description["ProjectVersionArn"] != arn:
        raise InputError(
            f"there is no adapter {arn} in this account; 'manifest-tools adapters list' shows them"
        )
    return description


def adapter_status(client: Any, arn: str) -> Adapter:
    """Return what Amazon says of an adapter; errors as of :func:`describe_adapter`."""
    return adapter_from(describe_adapter(client, arn))


def delete_adapter(client: Any, arn: str) -> None:
    """Delete an adapter, for good. Its project stays.

    Raises
    ------
    InputError
        The ARN is malformed.
    RemoteError
        It does not exist, or is being trained.
    """
    AdapterName.parse(arn)
    with remote_errors(f"Deleting {arn}"):
        client.delete_project_version(ProjectVersionArn=arn)


def adapter_from(description: Mapping[str, Any]) -> Adapter:
    """Read one description of DescribeProjectVersions."""
    arn = description["ProjectVersionArn"]
    name = AdapterName.parse(arn)
    created = description.get("CreationTimestamp")
    return Adapter(
        project=name.project,
        version=name.version,
        arn=arn,
        status=description.get("Status", ""),
        message=description.get("StatusMessage", ""),
        base_model=description.get("BaseModelVersion", ""),
        created=created.isoformat(timespec="seconds") if isinstance(created, datetime) else "",
        threshold=description.get("FeatureConfig", {})
        .get("ContentModeration", {})
        .get("ConfidenceThreshold"),
        f1=description.get("EvaluationResult", {}).get("F1Score"),
        billed_seconds=description.get("BillableTrainingTimeInSeconds"),
    )


def _projects(client: Any, **members: Any) -> list[dict[str, Any]]:
    # Without Features, Amazon lists projects of Custom Labels only.
    members["Features"] = [FEATURE]
    return _pages(client, "describe_projects", "ProjectDescriptions", "Listing the projects", **members)


def _pages(client: Any, method: str, member: str, doing: str, **members: Any) -> list[dict[str, Any]]:
    with remote_errors(doing):
        pages = list(client.get_paginator(method).paginate(**members))
    return [item for page in pages for item in _whole(page, member, doing)]


def _whole(answer: Mapping[str, Any], member: str, doing: str) -> Any:
    """Return a member that every answer has: the client library takes one that broke off for an empty one."""
    if member not in answer:
        raise RemoteError(f"{doing} failed: the answer broke off. Run the command again.")
    return answer[member]


def _name_of(project_arn: str) -> str:
    return f"project {project_arn.split('/')[1]}"
