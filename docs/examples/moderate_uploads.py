"""An AWS Lambda function: each picture that arrives in a bucket is decided on, and tagged with the decision.

Let the bucket send its ``s3:ObjectCreated:*`` events to :func:`handler`, and give readers only what is tagged ``allow``
(condition key ``s3:ExistingObjectTag/moderation`` in the bucket policy): what nobody has decided on yet has no tag.

=============  ======================================================================================================
variable       what it holds
=============  ======================================================================================================
``ADAPTER``    ARN of the adapter, which has to be in the bucket's Region
``DECISIONS``  path of the decisions file beside this one, such as ``evaluate --write-decisions`` writes it
=============  ======================================================================================================

Rights: ``rekognition:DetectModerationLabels``, ``rekognition:DescribeProjects``,
``rekognition:DescribeProjectVersions``, ``s3:GetObject``, ``s3:GetObjectTagging`` and ``s3:PutObjectTagging``.
Give the function 512 MB (less memory is less processor, and a slower start) and at least 60 s.
"""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import unquote_plus

import boto3

from manifest_tools import aws

TAG = "moderation"
s3 = boto3.client("s3")
decisions = aws.Decisions.from_toml(os.environ["DECISIONS"])


def handler(event: dict[str, Any], _context: object) -> list[dict[str, Any]]:
    """Decide on the pictures of an event. What is raised lets AWS deliver the event again."""
    return [moderate_upload(record["s3"]) for record in event.get("Records", ())]


def moderate_upload(record: dict[str, Any]) -> dict[str, Any]:
    """Decide on one new object, and tag it."""
    bucket, key = record["bucket"]["name"], unquote_plus(record["object"]["key"])  # events quote the key
    decided = aws.moderate_one(f"s3://{bucket}/{key}", os.environ["ADAPTER"], decisions)
    tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]  # putting tags replaces all of them
    others = [tag for tag in tags if tag["Key"] != TAG]
    s3.put_object_tagging(
        Bucket=bucket, Key=key, Tagging={"TagSet": [*others, {"Key": TAG, "Value": str(decided.decision)}]}
    )
    told = {"bucket": bucket, "key": key, **decided.to_dict()}
    # One line of the function's log. An alarm on "passed": false tells that the adapter does not answer any more.
    print(json.dumps(told | {"passed": decided.passed}))
    return told
