"""The least rights that each role needs, as the policies that AWS asks for.

Rekognition's list is the one that the Custom Labels guide gives for a bucket of one's own; for adapters no
page has one. Where the bucket's owner and the caller are the same account, the IAM policy is enough; the
bucket policy lets Rekognition itself read, which helps where training is refused access.
"""

from __future__ import annotations

from typing import Any

_BUCKET_READ = ("s3:GetBucketAcl", "s3:GetBucketLocation")
_OBJECT_READ = ("s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion")
_TRAINING = (
    "rekognition:CreateProject",
    "rekognition:CreateProjectVersion",
    "rekognition:DeleteProjectVersion",
    "rekognition:DescribeProjectVersions",
    "rekognition:DescribeProjects",
)
_ASKING = ("rekognition:DetectModerationLabels",)
_KMS = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
_STAGED = "asking-*"  # names of the copies by which large files go through S3


def iam_policies(
    bucket: str,
    prefix: str = "",
    *,
    kms_key: str | None = None,
    account: str | None = None,
    adapter: str = "",
) -> dict[str, dict[str, Any]]:
    """Return the policies for whoever runs the commands, by role.

    Parameters
    ----------
    bucket, prefix : str
        Where images and manifests go.
    kms_key : str, optional
        ARN of the key that encrypts them; a key id or alias stands for the right one, but AWS wants the ARN.
    account : str, optional
        The twelve digits of the bucket's account. With it, a bucket of this name in another account gets nothing.
    adapter : str
        ARN of the adapter that production asks; by default any model.

    Returns
    -------
    dict
        `preparing` (publish, predict, train, evaluate, adapters), `reviewing` (review, where images are in S3), and
        `production` (moderate).
    """
    arn, objects, staged = (
        _bucket_arn(bucket),
        _objects_arn(bucket, prefix),
        _objects_arn(bucket, prefix, _STAGED),
    )
    guard = {"StringEquals": {"s3:ResourceAccount": account}} if account else {}
    look = ("s3:GetBucketPolicyStatus", "s3:GetEncryptionConfiguration", "s3:ListBucket")
    preparing = [
        _allow("SeeTheBucket", (*_BUCKET_READ, *look), arn, guard),
        _allow("ReadAndWriteTheDataSet", (*_OBJECT_READ, "s3:PutObject"), objects, guard),
        _allow("RemoveStagedCopies", ("s3:DeleteObject",), staged, guard),
        _allow("TrainAndAsk", (*_TRAINING, *_ASKING), "*"),
    ]
    reviewing = [_allow("ReadTheImages", ("s3:GetObject",), objects, guard)]
    production = [
        _allow("SeeTheBucket", ("s3:ListBucket",), arn, guard),
        _allow("ReadTheImages", ("s3:GetObject",), objects, guard),
        _allow("StageLargeFiles", ("s3:PutObject", "s3:DeleteObject"), staged, guard),
        _allow("Ask", _ASKING, adapter or "*"),
    ]
    if kms_key:
        preparing.append(_allow("UseTheKey", _KMS, kms_key))
        reviewing.append(_allow("UseTheKey", ("kms:Decrypt",), kms_key))
        production.append(_allow("UseTheKey", ("kms:Decrypt", "kms:GenerateDataKey"), kms_key))
    roles = {"preparing": preparing, "reviewing": reviewing, "production": production}
    return {role: {"Version": "2012-10-17", "Statement": statements} for role, statements in roles.items()}


def bucket_policy(bucket: str, prefix: str = "", *, account: str | None = None) -> dict[str, Any]:
    """Return the policy with which the bucket lets Rekognition read the data set and write its results.

    Parameters
    ----------
    bucket, prefix : str
        Where images, manifests and training results are.
    account : str, optional
        The twelve digits of the account that trains. With it, nobody else's Rekognition jobs get in.
    """
    arn, objects = _bucket_arn(bucket), _objects_arn(bucket, prefix)
    guard: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": account}} if account else {}
    owner = {"s3:x-amz-acl": "bucket-owner-full-control"}
    write_guard = {"StringEquals": guard.get("StringEquals", {}) | owner}
    statements = [
        _service("RekognitionSeesTheBucket", _BUCKET_READ, arn, guard),
        _service("RekognitionReadsTheDataSet", _OBJECT_READ, objects, guard),
        _service("RekognitionWritesResults", ("s3:PutObject",), objects, write_guard),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _bucket_arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def _objects_arn(bucket: str, prefix: str, names: str = "*") -> str:
    folder = prefix.strip("/")
    return _bucket_arn(f"{bucket}/{folder}/{names}" if folder else f"{bucket}/{names}")


def _allow(
    name: str, actions: tuple[str, ...], resource: str, guard: dict[str, Any] | None = None
) -> dict[str, Any]:
    statement = {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resource}
    return statement | ({"Condition": guard} if guard else {})


def _service(name: str, actions: tuple[str, ...], resource: str, guard: dict[str, Any]) -> dict[str, Any]:
    return _allow(name, actions, resource, guard) | {"Principal": {"Service": "rekognition.amazonaws.com"}}
