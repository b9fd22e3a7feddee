"""Projects, adapters and moderation: what the local Rekognition knows and answers."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from manifest_tools.storage.uris import join_uri
from manifest_tools.testing.rekognition.answers import IMAGE_SIGNATURES, Answer, Picture, moderation_labels
from manifest_tools.testing.rekognition.protocol import ServiceError
from manifest_tools.testing.rekognition.records import Adapter, Project, description, present
from manifest_tools.testing.rekognition.requests import check_image, check_training
from manifest_tools.testing.rekognition.training import Bucket, Training

ACCOUNT = "111122223333"
MAX_OBJECT_BYTES = 15 * 1024 * 1024
MAX_TAGS = 200  # of one resource, as many as one call can bring
_START_OF_IDS = 1_730_000_000_000
_ANSWERING = ("TRAINING_COMPLETED", "DEPRECATED")


class RekognitionService:
    """The state of a local Rekognition, and its operations: methods named like them, in lower case.

    Parameters
    ----------
    answer : callable
        What the model sees in a picture; see :data:`Answer`.
    region : str
    base_model : str
        Version that the base model calls itself.
    bucket : callable, optional
        Gives access to a bucket; without it nothing can be read from or written to S3.
    training_looks : int
        How often an adapter is described as in progress before its training ends.
    summary_style : {"_", "-"}
        Which of the documented key styles the summary of a failed training has.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        region: str,
        base_model: str,
        bucket: Callable[[str], Bucket] | None,
        training_looks: int,
        summary_style: str,
    ) -> None:
        self.answer = answer
        self.region = region
        self.base_model = base_model
        self.pictures: Counter[str] = Counter()
        self.training_failure = ""
        self._bucket = bucket
        self._training_looks = training_looks
        self._summary_style = summary_style
        self._projects: dict[str, Project] = {}
        self._ids = _START_OF_IDS
        self._lock = threading.RLock()

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one operation."""
        method = _OPERATIONS.get(operation)
        if method is None:
            known = ", ".join(sorted(_OPERATIONS))
            raise ServiceError("UnknownOperationException", f"{operation} is not played here; known: {known}")
        return method(self, parameters)

    def adapter(self, arn: str) -> Adapter:
        """Return an adapter by its ARN."""
        with self._lock:
            for project in self._projects.values():
                for adapter in project.adapters:
                    if adapter.arn == arn:
                        return adapter
        raise ServiceError("ResourceNotFoundException", f"there is no adapter {arn}")

    def release(self, version: str) -> None:
        """Put a new base model in the place of the present one; its adapters become deprecated."""
        with self._lock:
            self.base_model = version
            for project in self._projects.values():
                for adapter in project.adapters:
                    if adapter.status == "TRAINING_COMPLETED":
                        adapter.status = "DEPRECATED"

    def create_project(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Create a project; its name has to be new."""
        name = parameters["ProjectName"]
        with self._lock:
            if any(project.name == name for project in self._projects.values()):
                raise ServiceError("ResourceInUseException", f"a project named {name} exists already")
            arn = f"{self._prefix}:project/{name}/{self._next_id()}"
            self._projects[arn] = Project(
                arn,
                name,
                parameters.get("Feature", "CUSTOM_LABELS"),
                parameters.get("AutoUpdate"),
                datetime.now(UTC),
                dict(parameters.get("Tags", {})),
            )
        return {"ProjectArn": arn}

    def describe_projects(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """List projects: those of Custom Labels, unless `Features` says otherwise."""
        names, features = parameters.get("ProjectNames"), parameters.get("Features", ["CUSTOM_LABELS"])
        with self._lock:
            found = [
                project
                for project in reversed(self._projects.values())
                if project.feature in features and (not names or project.name in names)
            ]
            page, token = _page(found, parameters)
        descriptions = [
            present(
                ProjectArn=project.arn,
                CreationTimestamp=project.created,
                Status="CREATED",
                Datasets=[],
                Feature=project.feature,
                AutoUpdate=project.auto_update,
            )
            for project in page
        ]
        return present(ProjectDescriptions=descriptions, NextToken=token)

    def create_project_version(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Start a training."""
        name = parameters["VersionName"]
        check_training(parameters)
        with self._lock:
            project = self._project(parameters["ProjectArn"])
            if (project.feature == "CONTENT_MODERATION") != ("FeatureConfig" in parameters):
                raise ServiceError(
                    "InvalidParameterException", "FeatureConfig has to match the project's feature"
                )
            if any(adapter.name == name for adapter in project.adapters):
                raise ServiceError("ResourceInUseException", f"a version named {name} exists already")
            arn = f"{project.arn.rpartition('/')[0]}/version/{name}/{self._next_id()}"
            project.adapters.append(
                Adapter(
                    arn,
                    name,
                    parameters,
                    datetime.now(UTC),
                    self.base_model,
                    self._training_looks,
                    dict(parameters.get("Tags", {})),
                )
            )
        return {"ProjectVersionArn": arn}

    def describe_project_versions(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """List a project's adapters, the latest first. Each look brings a training closer to its end."""
        names = parameters.get("VersionNames")
        with self._lock:
            project = self._project(parameters["ProjectArn"])
            found = [a for a in reversed(project.adapters) if not names or a.name in names]
            page, token = _page(found, parameters)
            for adapter in page:
                self._progress(adapter)
        return present(ProjectVersionDescriptions=[description(a) for a in page], NextToken=token)

    def delete_project_version(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Delete an adapter that is not being trained."""
        arn = parameters["ProjectVersionArn"]
        with self._lock:
            adapter = self.adapter(arn)
            if adapter.status == "TRAINING_IN_PROGRESS":
                raise ServiceError("ResourceInUseException", "the adapter is being trained")
            for project in self._projects.values():
                project.adapters = [other for other in project.adapters if other.arn != arn]
        return {"Status": "DELETING"}

    def delete_project(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a project that has no adapters left."""
        with self._lock:
            project = self._project(parameters["ProjectArn"])
            if project.adapters:
                raise ServiceError("ResourceInUseException", "the project still has adapters")
            del self._projects[project.arn]
        return {"Status": "DELETING"}

    def list_tags_for_resource(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the tags of a project or adapter."""
        with self._lock:
            return {"Tags": dict(self._tags(parameters["ResourceArn"]))}

    def tag_resource(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Add tags to a project or adapter."""
        with self._lock:
            tags = self._tags(parameters["ResourceArn"])
            if len(tags.keys() | parameters["Tags"].keys()) > MAX_TAGS:
                raise ServiceError("ServiceQuotaExceededException", f"a resource has at most {MAX_TAGS} tags")
            tags.update(parameters["Tags"])
        return {}

    def untag_resource(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Remove tags from a project or adapter; keys that it does not have are passed over."""
        with self._lock:
            tags = self._tags(parameters["ResourceArn"])
            for key in parameters["TagKeys"]:
                tags.pop(key, None)
        return {}

    def detect_moderation_labels(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the base model or an adapter about one image. An expired adapter is silently left aside."""
        arn = parameters.get("ProjectVersion", "")
        adapter = self.adapter(arn) if arn else None
        if adapter and adapter.status not in (*_ANSWERING, "EXPIRED"):
            raise ServiceError("ResourceNotReadyException", f"the adapter is {adapter.status}")
        used = arn if adapter and adapter.status in _ANSWERING else ""
        content, uri = self._image(parameters["Image"])
        picture = Picture(content, uri, used)
        with self._lock:
            self.pictures[uri or picture.sha256] += 1
        seen = self._see(picture, adapter if used else None)
        return present(
            ModerationLabels=moderation_labels(seen, parameters.get("MinConfidence", 50.0)),
            ModerationModelVersion=self.base_model,
            ProjectVersion=used or None,
            ContentTypes=[],
        )

    @property
    def _prefix(self) -> str:
        return f"arn:aws:rekognition:{self.region}:{ACCOUNT}"

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _project(self, arn: str) -> Project:
        if arn not in self._projects:
            raise ServiceError("ResourceNotFoundException", f"there is no project {arn}")
        return self._projects[arn]

    def _tags(self, arn: str) -> dict[str, str]:
        if arn in self._projects:
            return self._projects[arn].tags
        return self.adapter(arn).tags

    def _image(self, image: Mapping[str, Any]) -> tuple[bytes, str]:
        check_image(image)
        if "Bytes" in image:
            content, uri = image["Bytes"], ""
        else:
            bucket, key = image["S3Object"]["Bucket"], image["S3Object"]["Name"]
            content, uri = self._read(bucket, key), join_uri(bucket, key)
        if len(content) > MAX_OBJECT_BYTES:
            raise ServiceError("ImageTooLargeException", "the image is larger than 15 MB")
        if not content.startswith(IMAGE_SIGNATURES):
            raise ServiceError("InvalidImageFormatException", "Request has invalid image format")
        return content, uri

    def _read(self, bucket: str, key: str) -> bytes:
        content = self._bucket(bucket).read(key) if self._bucket else None
        if content is None:
            message = (
                "Unable to get object metadata from S3. Check object key, region and/or access permissions."
            )
            raise ServiceError("InvalidS3ObjectException", message)
        return content

    def _see(self, picture: Picture, adapter: Adapter | None) -> Mapping[str, float]:
        if adapter and adapter.trained:
            learnt = adapter.trained.recall(picture)
            if learnt is not None:
                return learnt
        return self.answer(picture)

    def _progress(self, adapter: Adapter) -> None:
        if adapter.status != "TRAINING_IN_PROGRESS":
            return
        adapter.looks -= 1
        if adapter.looks >= 0:
            return
        trained = Training(
            adapter.arn, adapter.request, adapter.base_model, self.answer, self._bucket, self._summary_style
        ).run()
        adapter.trained = trained
        failure = self.training_failure or trained.failure
        adapter.status = "TRAINING_FAILED" if failure else "TRAINING_COMPLETED"
        adapter.message = failure or "The model is ready to use."


def _page(found: list[Any], parameters: Mapping[str, Any]) -> tuple[list[Any], str | None]:
    token, size = parameters.get("NextToken", "0"), parameters.get("MaxResults", 100)
    if not re.fullmatch("[0-9]{1,9}", token):
        raise ServiceError("InvalidPaginationTokenException", "NextToken is none that an answer gave")
    start = int(token)
    more = start + size < len(found)
    return found[start : start + size], str(start + size) if more else None


_OPERATIONS: Mapping[str, Callable[[RekognitionService, Mapping[str, Any]], dict[str, Any]]] = {
    "CreateProject": RekognitionService.create_project,
    "DescribeProjects": RekognitionService.describe_projects,
    "CreateProjectVersion": RekognitionService.create_project_version,
    "DescribeProjectVersions": RekognitionService.describe_project_versions,
    "DeleteProjectVersion": RekognitionService.delete_project_version,
    "DeleteProject": RekognitionService.delete_project,
    "ListTagsForResource": RekognitionService.list_tags_for_resource,
    "TagResource": RekognitionService.tag_resource,
    "UntagResource": RekognitionService.untag_resource,
    "DetectModerationLabels": RekognitionService.detect_moderation_labels,
}
