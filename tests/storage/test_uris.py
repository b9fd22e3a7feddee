"""One rule for bucket names, wherever an address comes from."""

from __future__ import annotations

import json

import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.manifests.validation.validate import validate_manifest
from manifest_tools.storage.uris import is_s3_uri, join_uri, split_destination, split_uri


def told_by_validate(tmp_path, bucket):
    path = tmp_path / "images.manifest"
    path.write_text(json.dumps({"source-ref": f"s3://{bucket}/a.jpg"}) + "\n")
    report = validate_manifest(path)
    return [str(found.severity) for found in report.findings if found.code == "source-ref-uri"]


@pytest.mark.parametrize(
    "bucket", ["ab", "a..b", "192.168.1.1", "under score", "ümlaut", "x" * 256, "A..b"]
)  # no bucket can have such a name
def test_impossible_buckets_are_refused_everywhere(tmp_path, bucket):
    assert told_by_validate(tmp_path, bucket) == ["error"]
    with pytest.raises(InputError, match="valid bucket name"):
        split_uri(f"s3://{bucket}/a")


@pytest.mark.parametrize("bucket", ["xn--abc", "photos-s3alias", "fast--use1-az4--x-s3"])
def test_reserved_names_can_be_read_from_but_not_named_in_a_manifest(tmp_path, bucket):
    assert told_by_validate(tmp_path, bucket) == ["error"]
    assert split_uri(f"s3://{bucket}/a") == (bucket, "a")
    with pytest.raises(InputError, match="no ordinary bucket"):
        split_destination(f"s3://{bucket}/a")


@pytest.mark.parametrize("bucket", ["My_Old_Bucket", "Capitals", "x" * 200])
def test_names_from_before_2018_are_taken_with_a_warning(tmp_path, bucket):
    assert "error" not in told_by_validate(tmp_path, bucket)
    assert split_destination(f"s3://{bucket}/a/") == (bucket, "a/")


@pytest.mark.parametrize("bucket", ["abc", "my.bucket-1", "0a0"])
def test_ordinary_names_are_taken(tmp_path, bucket):
    assert told_by_validate(tmp_path, bucket) == []
    assert split_destination(f"s3://{bucket}/ä%20 b") == (bucket, "ä%20 b")


def test_joining_undoes_splitting():
    uri = "s3://my-bucket/a b/#1%.jpg"
    assert is_s3_uri(uri)
    assert join_uri(*split_uri(uri)) == uri
    assert not is_s3_uri("photos/s3://x")
