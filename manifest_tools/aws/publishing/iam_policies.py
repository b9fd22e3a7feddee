"""The least rights that publishing and training need, as the two policies that AWS asks for.

Rekognition's list is the one that the Custom Labels guide gives for a bucket of one's own; for adapters no
page has one. Where the bucket's owner and the caller are the same account, the IAM policy is enough; the
bucket policy lets Rekognition itself read, which helps where training is refused access.
"""

from __future__ import annotations

from typing import Any

_BUCKET_READ = ("s3:GetBucketAcl", "s3:GetBucketLocation")
_OBJECT_READ = ("s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion")
_REKOGNITION = (
    "rekognition:CreateProject",
    "rekognition:CreateProjectVersion",
    "rekognition:DeleteProject",
    "rekognition:DeleteProjectVersion",
    "rekognition:DescribeProjectVersions",
    "rekognition:DescribeProjects",
    "rekognition:DetectModerationLabels",
    "rekognition:ListTagsForResource",
    "rekognition:TagResource",
)
_KMS = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")


def iam_policy(bucket: str, prefix: str = "", *, kms_key: str | None = None) -> dict[str, Any]:
    """Return the policy for the user or role that runs the commands.

    Parameters
    ----------
    bucket, prefix : str
        Where images and manifests go.
    kms_key : str, optional
        ARN of the key that encrypts them; a key id or alias stands for the right one, but AWS wants the ARN.
    """
    arn = _bucket_arn(bucket)
    statements = [
        _allow("SeeTheBucket", (*_BUCKET_READ, "s3:GetBucketPolicyStatus", "s3:GetEncryptionConfiguration",
                                "s3:ListBucket"), arn),
        _allow("ReadAndWriteTheDataSet", (*_OBJECT_READ, "s3:PutObject"), _objects_arn(bucket, prefix)),
        _allow("TrainAndAsk", _REKOGNITION, "*"),
    ]  # fmt: skip
    if kms_key:
        statements.append(_allow("UseTheKey", _KMS, kms_key))
    return {"Version": "2012-10-17", "Statement": statements}


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


def _objects_arn(bucket: str, prefix: str) -> str:
    folder = prefix.strip("/")
    return _bucket_arn(f"{bucket}/{folder}/*" if folder else f"{bucket}/*")


def _allow(name: str, actions: tuple[str, ...], resource: str) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _service(name: str, actions: tuple[str, ...], resource: str, guard: dict[str, Any]) -> dict[str, Any]:
    statement = _allow(name, actions, resource) | {"Principal": {"Service": "rekognition.amazonaws.com"}}
    return statement | ({"Condition": guard} if guard else {})
