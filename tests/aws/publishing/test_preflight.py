from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from manifest_tools.aws.publishing.plan import _region_findings
from manifest_tools.aws.publishing.preflight import check_write, examine_bucket
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.storage.aws_clients import _models, make_client
from manifest_tools.storage.storage import S3Storage
from manifest_tools.testing import Credentials, LocalS3


def test_facts_of_a_bucket(client: Any) -> None:
    facts = examine_bucket(S3Storage(client, "pictures"))

    assert (facts.region, facts.encryption, facts.policy) == ("us-east-1", "none set", "none")
    assert any("s3://pictures" in line for line in facts.lines())


def test_a_bucket_that_does_not_exist(client: Any) -> None:
    with pytest.raises(RemoteError, match="Bucket s3://no-such-bucket does not exist"):
        examine_bucket(S3Storage(client, "no-such-bucket"))


def test_wrong_keys(s3: LocalS3) -> None:
    stranger = s3.client(credentials=Credentials("nobody", "nothing"))

    with pytest.raises(RemoteError, match="refuses these credentials"):
        examine_bucket(S3Storage(stranger, "pictures"))


def test_writing_is_tried_without_writing(s3: LocalS3, client: Any, prefix: str) -> None:
    below = prefix.removeprefix("s3://pictures/") + "/"

    check_write(S3Storage(client, "pictures"), below)

    assert list(S3Storage(client, "pictures").list(below)) == []
    with pytest.raises(RemoteError, match=f"Writing {prefix}/ failed: permission denied"):
        check_write(S3Storage(s3.client(credentials=s3.reader), "pictures"), below)


def test_a_server_that_ignores_conditions_is_noticed() -> None:
    class Careless:
        def put_object(self, **arguments: Any) -> dict[str, Any]:
            return {"ETag": '"e"'}

    with pytest.raises(RemoteError, match="ignores the conditions"):
        check_write(S3Storage(Careless(), "b"), "p/")


class Described:
    """A client of a bucket in another region, encrypted by KMS, of which not everything may be asked."""

    class meta:  # noqa: N801 - as boto3 names it
        region_name = "eu-west-1"

    def head_bucket(self, **arguments: Any) -> dict[str, Any]:
        return {"BucketRegion": "us-west-2"}

    def get_bucket_encryption(self, **arguments: Any) -> dict[str, Any]:
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key-1"}}
        return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    def get_bucket_policy_status(self, **arguments: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetBucketPolicyStatus")


def test_what_may_not_be_asked_stops_nothing() -> None:
    facts = examine_bucket(S3Storage(Described(), "b"))

    assert (facts.encryption, facts.policy) == ("aws:kms key-1", "not known (reading it is not allowed)")


def test_answers_without_what_was_asked_are_not_known() -> None:
    class Terse(Described):
        def get_bucket_encryption(self, **arguments: Any) -> dict[str, Any]:
            return {"ServerSideEncryptionConfiguration": {"Rules": []}}

        def get_bucket_policy_status(self, **arguments: Any) -> dict[str, Any]:
            return {"PolicyStatus": {}}

    facts = examine_bucket(S3Storage(Terse(), "b"))

    assert (facts.encryption, facts.policy) == ("not known", "not known")


def test_the_wrong_region_is_a_finding() -> None:
    (found,) = _region_findings(examine_bucket(S3Storage(Described(), "b")))

    assert found.code == "bucket-region"
    assert "us-west-2" in found.fix


@pytest.mark.parametrize(
    ("service", "options", "words"),
    [
        ("s3", {"profile": "absent"}, "no AWS profile named 'absent'"),
        ("rekognition", {}, "No AWS region is set for rekognition"),
        ("s3", {"endpoint_url": "not an address", "region": "us-east-1"}, "cannot be used"),
    ],
)
def test_settings_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, service: str, options: dict[str, str], words: str
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)

    with pytest.raises(InputError, match=words):
        make_client(service, **options)


def test_a_profile_of_the_environment_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "gone")
    with pytest.raises(InputError, match="no AWS profile named 'gone'"):
        make_client("s3")


def test_what_clients_share_does_not_grow_with_each_of_them() -> None:
    for _ in range(2):
        make_client("s3", region="us-east-1")
    places = _models(None).search_paths
    assert len(places) == len(set(places))


def test_retries_are_ours_to_choose() -> None:
    storage, rekognition = (make_client(name, region="us-east-1") for name in ("s3", "rekognition"))

    assert storage.meta.config.retries["mode"] == "legacy"
    assert storage.meta.config.retries["total_max_attempts"] == 3
    assert rekognition.meta.config.retries["total_max_attempts"] == 1
