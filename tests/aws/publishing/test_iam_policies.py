from __future__ import annotations

import re
from typing import Any

from manifest_tools.aws.publishing.iam_policies import bucket_policy, iam_policies
from tests import ROOT


def by_name(policy: dict[str, Any]) -> dict[str, Any]:
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_each_role_gets_what_it_needs_below_the_prefix() -> None:
    roles = {role: by_name(policy) for role, policy in iam_policies("acme", "mod/round 1/").items()}

    preparing = roles["preparing"]
    assert preparing["ReadAndWriteTheDataSet"]["Resource"] == "arn:aws:s3:::acme/mod/round 1/*"
    assert "s3:PutObject" in preparing["ReadAndWriteTheDataSet"]["Action"]
    assert preparing["RemoveStagedCopies"]["Resource"] == "arn:aws:s3:::acme/mod/round 1/asking-*"
    assert [name for name in preparing if "s3:DeleteObject" in preparing[name]["Action"]] == [
        "RemoveStagedCopies"
    ]
    assert [item["Action"] for item in roles["reviewing"].values()] == [["s3:GetObject"]]
    assert roles["production"]["Ask"]["Action"] == ["rekognition:DetectModerationLabels"]
    assert roles["production"]["StageLargeFiles"]["Resource"].endswith("/asking-*")
    assert "Create" not in str(roles["production"])
    assert "kms" not in str(roles)


def test_every_operation_that_is_called_is_allowed_and_no_other() -> None:
    (asking,) = (
        item for item in iam_policies("acme")["preparing"]["Statement"] if item["Sid"] == "TrainAndAsk"
    )
    names = re.compile(r"\b((?:create|describe|delete|detect)_(?:project|moderation)[a-z_]*)\b[\"(]")
    called = set()
    for path in (ROOT / "manifest_tools" / "aws").rglob("*.py"):
        called |= set(names.findall(path.read_text(encoding="utf-8")))
    assert {item.removeprefix("rekognition:") for item in asking["Action"]} == {
        name.title().replace("_", "") for name in called
    }


def test_a_key_and_the_adapter_are_named_when_there_are_some() -> None:
    key, adapter = "arn:aws:kms:us-east-1:111122223333:key/1", "arn:aws:rekognition:x:1:project/p/version/v/1"
    roles = iam_policies("acme", kms_key=key, adapter=adapter)

    assert {by_name(policy)["UseTheKey"]["Resource"] for policy in roles.values()} == {key}
    assert by_name(roles["production"])["Ask"]["Resource"] == adapter


def test_an_account_shuts_out_buckets_of_others() -> None:
    for policy in iam_policies("acme", account="111122223333").values():
        for statement in policy["Statement"]:
            of_s3 = statement["Action"][0].startswith("s3:")
            assert ("Condition" in statement) is of_s3
            if of_s3:
                assert statement["Condition"] == {"StringEquals": {"s3:ResourceAccount": "111122223333"}}


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
