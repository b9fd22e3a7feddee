"""Object keys: raw, never URL-encoded; refused or advised against where S3 says so."""

from __future__ import annotations

import pandas as pd
import pytest

from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import discouraged_characters, refused_keys, source_refs
from manifest_tools.storage.uris import split_uri


def dataset(*images: str, **options: object) -> Dataset:
    table = pd.DataFrame({"image": images, "sha256": [f"{number:064x}" for number in range(len(images))]})
    return Dataset.from_tables(table.assign(format="PNG"), **{"destination": "s3://bucket/in/put"} | options)


@pytest.mark.parametrize(
    "name", ["a b.jpg", "100%.jpg", "50%20off.jpg", "cat #1.jpg", "日本/語.jpg", "a+b&c.jpg"]
)
def test_keys_are_the_paths_as_they_are(name):
    assert list(source_refs(dataset(name))) == [f"s3://bucket/in/put/{name}"]


def test_keys_may_be_the_contents_hash():
    assert list(source_refs(dataset("x y.jpg", keys="sha256"))) == [f"s3://bucket/in/put/{0:064x}.png"]


def test_images_in_s3_keep_their_place_unless_they_are_to_be_copied():
    assert list(source_refs(dataset("s3://other/x/y.jpg", destination=""))) == ["s3://other/x/y.jpg"]
    assert list(source_refs(dataset("s3://other/x/y.jpg"))) == ["s3://bucket/in/put/x/y.jpg"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.jpg", ""),
        ("a//b.jpg", "empty part"),
        ("a/../b.jpg", "dots"),
        ("é" * 600 + ".jpg", "1,2"),
        ("x" * 1008 + ".jpg", ""),
    ],
)
def test_keys_that_s3_refuses_say_why(name, reason):
    found = refused_keys(dataset(name)).iloc[0]
    assert reason in found
    assert bool(found) == bool(reason)


def test_characters_that_s3_advises_against_are_named():
    assert discouraged_characters("s3://bucket/a b/ü.jpg") == ""
    assert discouraged_characters("s3://bucket/a#b%\n#.jpg") == "\n#%"


@pytest.mark.parametrize(
    "uri", ["bucket/x", "https://bucket/x", "s3://", "s3://B/x", "s3://192.168.1.1/x", "s3://a..b/x"]
)
def test_what_is_no_s3_location_is_refused(uri):
    with pytest.raises(InputError, match="s3://bucket/prefix"):
        split_uri(uri)


def test_a_location_may_have_no_prefix():
    assert split_uri("s3://my-bucket") == ("my-bucket", "")


class TestImagesThatAreInS3:
    """Their place below the destination."""

    LISTED = {"images": {"folder": "s3://other/x", "below": "s3://other/x/"}}  # noqa: RUF012 - not changed

    def test_keys_are_relative_to_the_listed_prefix(self):
        listed = dataset("s3://other/x/deep/y.jpg", sources=self.LISTED)
        assert list(source_refs(listed)) == ["s3://bucket/in/put/deep/y.jpg"]

    @pytest.mark.parametrize("sources", [LISTED, {}])
    def test_what_is_there_already_stays_there(self, sources):
        listed = dataset("s3://other/x/deep/y.jpg", sources=sources, destination="s3://other/x")
        assert list(source_refs(listed)) == ["s3://other/x/deep/y.jpg"]
