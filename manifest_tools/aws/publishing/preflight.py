"""What a bucket is like and what it allows, found out before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from manifest_tools.core.errors import RemoteError
from manifest_tools.storage.aws_errors import error_code, remote_error
from manifest_tools.storage.storage import ConditionFailedError, MissingError, S3Storage, with_retries

_NOT_KNOWN = "not known"
_NEVER_AN_ETAG = "0" * 32
_PROBE_NAME = ".manifest-tools-write-test"


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """What the bucket's region, policy and encryption are; each in words, "not known" where it may not be read.

    `calling_region` is where the client talks to; empty when it is not set.
    """

    bucket: str
    region: str
    calling_region: str
    encryption: str
    policy: str

    def lines(self) -> list[str]:
        """Return the facts for people, one a line."""
        return [
            f"bucket      s3://{self.bucket}",
            f"region      {self.region}",
            f"encryption  {self.encryption}",
            f"policy      {self.policy}",
        ]


def examine_bucket(storage: S3Storage) -> BucketFacts:
    """Ask a bucket for its region, encryption and policy.

    Raises
    ------
    RemoteError
        The bucket does not exist, or the caller may not use it; the message says which.
    """
    client, bucket = storage.client, storage.bucket
    try:
        answer = with_retries(lambda: client.head_bucket(Bucket=bucket))
    except (ClientError, BotoCoreError) as error:
        raise _bucket_error(error, bucket) from None
    calling = client.meta.region_name
    return BucketFacts(
        bucket,
        region=answer.get("BucketRegion") or _ask(lambda: _location(client, bucket), {}),
        calling_region="" if calling == "aws-global" else calling,
        encryption=_ask(
            lambda: _encryption(client, bucket),
            {"ServerSideEncryptionConfigurationNotFoundError": "none set"},
        ),
        policy=_ask(lambda: _policy(client, bucket), {"NoSuchBucketPolicy": "none"}),
    )


def check_write(storage: S3Storage, prefix: str) -> None:
    """Find out whether objects below `prefix` may be written, without writing one.

    The request asks to replace an object that nobody has: a server that would allow the write refuses it
    for that reason alone.

    Raises
    ------
    RemoteError
        Writing is not allowed, the KMS key cannot be used, or the server ignores conditions.
    """
    key = prefix + _PROBE_NAME
    try:
        storage.put(key, b"", if_match=_NEVER_AN_ETAG)
    except (ConditionFailedError, MissingError):
        return
    except RemoteError as error:
        # The probe's own name would only puzzle: what is refused is writing below the prefix.
        raise RemoteError(str(error).replace(storage.uri(key), storage.uri(prefix))) from None
    raise RemoteError(
        f"Checking {storage.uri(key)} failed: the server ignores the conditions of conditional writes, so two "
        "publishers could mix their data. Use Amazon S3 or a server that obeys them; an empty object was left there."
    )


def _bucket_error(error: ClientError | BotoCoreError, bucket: str) -> RemoteError:
    code, where = error_code(error), f"s3://{bucket}"
    if code in {"404", "NoSuchBucket"}:
        return RemoteError(
            f"Bucket {where} does not exist ({code}). Check its name, or create it in the region that trains."
        )
    if code in {"403", "AccessDenied", "Forbidden"}:
        return RemoteError(
            f"Bucket {where} refuses these credentials ({code}): s3:ListBucket is not allowed, the keys are wrong, "
            "or the bucket is somebody else's. Check --profile; `manifest-tools publish --print-policy` prints "
            "the rights that are needed."
        )
    return remote_error(error, f"Looking at bucket {where}")


def _ask(question: Callable[[], str], answers: dict[str, str]) -> str:
    """Return the answer, or what its absence means; facts that may not be read do not stop anything."""
    try:
        return with_retries(question)
    except ClientError as error:
        code = error_code(error)
        if code in answers:
            return answers[code]
        return f"{_NOT_KNOWN} (reading it is not allowed)" if "Denied" in code else _NOT_KNOWN
    except (KeyError, IndexError):  # other servers than Amazon's leave members out
        return _NOT_KNOWN
    except BotoCoreError as error:
        raise remote_error(error, "Looking at the bucket") from None


def _location(client: Any, bucket: str) -> str:
    # The first region of all has no name here.
    return client.get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"


def _encryption(client: Any, bucket: str) -> str:
    answer = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    default = answer["Rules"][0].get("ApplyServerSideEncryptionByDefault", {})
    words = [default.get("SSEAlgorithm", "none set"), default.get("KMSMasterKeyID", "")]
    return " ".join(filter(None, words))


def _policy(client: Any, bucket: str) -> str:
    answer = client.get_bucket_policy_status(Bucket=bucket)
    return "PUBLIC: anybody may read it" if answer["PolicyStatus"]["IsPublic"] else "set, not public"
