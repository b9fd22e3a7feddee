from __future__ import annotations

from typing import Any

from manifest_tools.aws.publishing.iam_policies import bucket_policy, iam_policy


def by_name(policy: dict[str, Any]) -> dict[str, Any]:
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_the_callers_rights_end_at_the_prefix() -> None:
    statements = by_name(iam_policy("acme", "mod/round 1/"))

    assert statements["ReadAndWriteTheDataSet"]["Resource"] == "arn:aws:s3:::acme/mod/round 1/*"
    assert "s3:PutObject" in statements["ReadAndWriteTheDataSet"]["Action"]
    assert "s3:DeleteObject" not in str(statements)
    assert "kms" not in str(statements)


def test_a_key_is_named_when_there_is_one() -> None:
    arn = "arn:aws:kms:us-east-1:111122223333:key/1"

    assert by_name(iam_policy("acme", kms_key=arn))["UseTheKey"]["Resource"] == arn


def test_rekognition_reads_and_writes_for_one_account_only() -> None:
    statements = bucket_policy("acme", account="111122223333")["Statement"]

    for statement in statements:
        assert statement["Principal"] == {"Service": "rekognition.amazonaws.com"}
        assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == "111122223333"
    writing = by_name({"Statement": statements})["RekognitionWritesResults"]
    assert writing["Action"] == ["s3:PutObject"]
    assert writing["Condition"]["StringEquals"]["s3:x-amz-acl"] == "bucket-owner-full-control"


def test_without_an_account_there_is_no_empty_condition() -> None:
    assert "Condition" not in by_name(bucket_policy("acme"))["RekognitionSeesTheBucket"]
