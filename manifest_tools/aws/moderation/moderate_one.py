"""Use an adapter on one image, where images come one at a time: uploads, messages, events. Loads no tables."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from manifest_tools.aws.moderation.adapter_checks import MIN_CONFIDENCE, look_at, other_base_models
from manifest_tools.aws.moderation.decided_image import ON_STOP_LIST, DecidedImage, decide
from manifest_tools.aws.moderation.decision_policy import Decisions
from manifest_tools.aws.prediction.answer_journal import AnswerJournal
from manifest_tools.aws.prediction.payload import AskedPicture, Sender
from manifest_tools.aws.prediction.question import UNSUITABLE, AdapterIgnoredError, CallFailure, Question
from manifest_tools.aws.prediction.rate_limit import RateLimiter
from manifest_tools.aws.prediction.request_loop import ask
from manifest_tools.aws.prediction.retries import RetryPolicy
from manifest_tools.aws.quotas import default_tps
from manifest_tools.aws.training.adapters import Adapter, AdapterName
from manifest_tools.core.content_type import ACCEPTED_FORMATS, sniff
from manifest_tools.core.errors import DeniedError, InputError, ManifestToolsError, UnavailableError
from manifest_tools.findings.findings import Finding, Severity
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.uris import is_s3_uri, split_uri

if TYPE_CHECKING:
    from manifest_tools.images.stop_list.stop_list import StopList

PATIENCE: Final = 20.0
_LOOK_AGAIN: Final = 3600.0  # seconds; Amazon lets an account look five times a second, whatever it moderates
_Look = tuple[float, Adapter | None, list[Finding]]
_looks: WeakKeyDictionary[Any, dict[str, _Look]] = WeakKeyDictionary()


def moderate_one(
    image: bytes | str,
    adapter: str,
    decisions: Decisions | None = None,
    *,
    client: Any = None,
    s3_client: Any = None,
    staging: str = "",
    stop_list: StopList | None = None,
    patience: float = PATIENCE,
) -> DecidedImage:
    """Ask an adapter about one image, and decide on it: for images that come one at a time.

    The checks are those of :func:`~manifest_tools.aws.moderation.moderate.moderate`. The adapter's status is looked
    at before the first image of a client, then once an hour; every answer has to name the adapter. Where it has
    expired or was left aside, and where there is no answer, `decisions.failed` is decided, and the result says why.
    Nothing is kept between two calls but that look and, without a `client`, the client.

    Parameters
    ----------
    image : bytes or str
        The file's content (JPEG or PNG of at most 5 MB), or ``s3://bucket/key`` in the adapter's Region (15 MB).
    adapter : str
        ARN.
    decisions : Decisions, optional
        By default every label of level 1 goes to review from a confidence of 50 on.
    client : boto3 client, optional
        Rekognition, which must not retry by itself. By default one for the adapter's Region is made with the
        settings of boto3, and used again by the next call.
    s3_client, staging : optional
        S3, and ``s3://bucket/prefix`` for the way of bytes over 5 MB; the copy is removed at once.
    stop_list : StopList, optional
        Known images (:func:`~manifest_tools.images.stop_list.reading.read_stop_list`). One that is on it is blocked, and
        nobody is asked about it. An object in S3 is read for that, with `s3_client` or the settings of boto3.
    patience : float
        Seconds for which a failed call is made again, before the image counts as one without an answer.

    Returns
    -------
    DecidedImage

    Raises
    ------
    InputError
        `image` or `adapter` is none, or the adapter cannot be asked: it is being trained, or of another Region.
    RemoteError
        Amazon refuses these credentials or this adapter for good: no image would be decided on.

    Examples
    --------
    >>> from pathlib import Path
    >>> from manifest_tools import aws
    >>> from manifest_tools.testing import local_rekognition
    >>> rules = aws.Decisions.from_dict({"labels": {"Alcohol": {"block": 80}}})
    >>> picture = Path("sample_data/images/bar/beer mug.jpg").read_bytes()
    >>> with local_rekognition(answer=lambda picture: {"Drinking": 91.0}, training_looks=0) as rekognition:
    ...     client = rekognition.client()  # in the place of Amazon's
    ...     project = client.create_project(ProjectName="p", Feature="CONTENT_MODERATION")["ProjectArn"]
    ...     data = {"Assets": [{"GroundTruthManifest": {"S3Object": {"Bucket": "my-bucket", "Name": "a.manifest"}}}]}
    ...     adapter = client.create_project_version(
    ...         ProjectArn=project,
    ...         VersionName="v",
    ...         OutputConfig={"S3Bucket": "my-bucket", "S3KeyPrefix": "results"},
    ...         TrainingData=data,
    ...         TestingData=data,
    ...         FeatureConfig={"ContentModeration": {"ConfidenceThreshold": 50}},
    ...     )["ProjectVersionArn"]
    ...     decided = aws.moderate_one(picture, adapter, rules, client=client)
    >>> str(decided.decision), decided.reasons[0].label
    ('block', 'Alcohol')
    """
    picture = _picture(image)
    rules = decisions or Decisions.usual()
    if stop_list is not None and (known := _held_against(stop_list, picture, s3_client)) is not None:
        return decide(None, known, rules)
    client = client or _client(AdapterName.parse(adapter).region, os.getpid())
    looked, findings = _looked_at(client, adapter)
    bad = next((found for found in findings if found.severity is Severity.ERROR), None)
    if bad is not None:
        return decide(None, CallFailure(bad.code, bad.message), rules, findings)
    if picture.content and not _may_be_accepted(picture.content):
        return decide(None, UNSUITABLE, rules, findings)
    try:
        answers = ask(
            [picture],
            Question(adapter, MIN_CONFIDENCE),
            client=client,
            sender=Sender(staging, s3_client or (make_client("s3") if staging else None)),
            journal=AnswerJournal([], lambda _: None),
            limiter=RateLimiter(default_tps(client.meta.region_name)),
            workers=1,
            policy=RetryPolicy(patience),
        )
    except AdapterIgnoredError as error:
        return decide(None, CallFailure(error.finding.code, str(error)), rules, [*findings, error.finding])
    except UnavailableError as error:
        return decide(None, CallFailure("unavailable", str(error)), rules, findings)
    answer = answers.found.get(picture.key)
    findings = [*findings, *other_base_models(looked, [] if answer is None else [answer])]
    return decide(answer, answers.failed.get(picture.key), rules, findings)


def _picture(image: bytes | str) -> AskedPicture:
    if isinstance(image, bytes | bytearray | memoryview):
        content = bytes(image)
        return AskedPicture("one", "the image", "", len(content), content=content)
    if not is_s3_uri(image) or not split_uri(image)[1]:
        msg = f"image is {image!r}; expected the content of a file as bytes, or s3://bucket/key"
        raise InputError(msg)
    return AskedPicture("one", image, image, 0)


def _held_against(stop_list: StopList, picture: AskedPicture, s3_client: Any) -> CallFailure | None:
    """Return why nobody is to be asked about a picture: it is on the list, or cannot be held against it."""
    from manifest_tools.images.stop_list.stop_list import content_on_list  # noqa: PLC0415 - loads numpy
    from manifest_tools.storage.s3_images import byte_reader  # noqa: PLC0415

    try:
        content = byte_reader(s3_client)(picture.uri) if picture.content is None else picture.content
    except DeniedError:
        raise
    except ManifestToolsError as error:
        return CallFailure("unavailable" if isinstance(error, UnavailableError) else "unreadable", str(error))
    return ON_STOP_LIST if content_on_list(content, stop_list) else None


def _may_be_accepted(content: bytes) -> bool:
    """Whether the service may take it. What is no known kind of file at all is for the service to say."""
    kind = sniff(content)
    return not kind.other and kind.format in (*ACCEPTED_FORMATS, "")


def _looked_at(client: Any, adapter: str) -> tuple[Adapter | None, list[Finding]]:
    """Return what the last look at an adapter found, if it is fresh; else look."""
    looks = _looks.setdefault(client, {})
    if adapter not in looks or time.monotonic() - looks[adapter][0] > _LOOK_AGAIN:
        looks[adapter] = (time.monotonic(), *look_at(client, adapter))
    return looks[adapter][1:]


@cache  # by process: a forked one must not talk over its parent's connections
def _client(region: str, _process: int) -> Any:
    return make_client("rekognition", region=region)
