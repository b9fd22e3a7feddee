"""Listings as streams: in the order of the keys, whole, however they are shared out."""

from __future__ import annotations

import os
from collections import Counter
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from manifest_tools.pipeline.batch import listing
from manifest_tools.pipeline.batch.listing import Listing, intervals
from manifest_tools.sources.folders import list_folder
from manifest_tools.storage.aws_clients import make_client
from manifest_tools.storage.storage import S3Storage

KEYS = st.lists(st.text("ab/-é0\U0001f600", min_size=1, max_size=6), min_size=0, max_size=60, unique=True)


class Keys:
    """A bucket of nothing but keys."""

    bucket = "b"

    def __init__(self, keys, endpoint="https://s3.eu-west-1.amazonaws.com"):
        self.client = SimpleNamespace(meta=SimpleNamespace(endpoint_url=endpoint))
        self.keys = sorted(keys)

    def first(self, prefix, *, after):
        return next((key for key in self.keys if key > after and key.startswith(prefix)), None)


@given(KEYS, st.text("ab/", max_size=2), st.integers(1, 20))
def test_every_key_is_in_one_interval(keys, prefix, wanted):
    below = [key for key in keys if key.startswith(prefix)]
    bounds = intervals(Keys(below), prefix, wanted)
    held = [key for key in below for after, until in bounds if key > after and (not until or key <= until)]
    assert sorted(held) == sorted(below)
    assert bounds[0][0] == "" == bounds[-1][1]
    assert all(before[1] == after[0] for before, after in pairwise(bounds))


def test_many_keys_are_shared_out_to_many():
    flat = [f"images/{number:06}.jpg" for number in range(0, 1_000_000, 997)]
    bounds = intervals(Keys(flat), "images/", 16)
    sizes = [sum(after < key and (not until or key <= until) for key in flat) for after, until in bounds]
    assert len(bounds) >= 16
    assert max(sizes) < len(flat) / 8


def test_a_directory_bucket_is_listed_whole():
    keys = Keys(["a", "b"])
    keys.bucket = "fast--use1-az4--x-s3"
    assert intervals(keys, "", 16) == [("", "")]


def test_servers_that_promise_no_order_are_listed_whole():
    assert intervals(Keys(["a", "b"], "http://127.0.0.1:9000"), "", 16) == [("", "")]
    assert intervals(Keys(["a", "b"], "https://amazonaws.com.example.com"), "", 16) == [("", "")]


@pytest.fixture(scope="module")
def ordered_server():
    """A server that lists as Amazon does."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_a_bucket_that_is_listed_by_intervals(ordered_server, monkeypatch):
    monkeypatch.setattr(listing, "lists_in_order", lambda _: True)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anybody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    client = make_client("s3", region="us-east-1", endpoint_url=ordered_server)
    client.create_bucket(Bucket="pictures")
    assert shares_listed_whole(client, "s3://pictures/im ages") >= 6


def test_a_bucket_of_another_server(s3, prefix):
    assert shares_listed_whole(s3.client(), prefix) >= 1


def shares_listed_whole(client, prefix):
    """How many intervals list a bucket, all of which together are to give every image once and in order."""
    below = prefix.removeprefix("s3://pictures/")
    names = [f"{a}{b}{c}.jpg" for a in ("a-", "a/", "b") for b in "xyz" for c in "01 %é"] + ["a/notes.txt"]
    for name in names:
        client.put_object(Bucket="pictures", Key=f"{below}/{name}", Body=b"1")
    storage = S3Storage(client, "pictures")
    bounds = intervals(storage, f"{below}/", 6)
    found, skipped = [], Counter()
    for after, until in bounds:
        part = Listing(f"{prefix}/", after, until)
        found += [entry.image for entry in part.entries(storage)]
        skipped.update(part.skipped)
    assert found == sorted(f"{prefix}/{name}" for name in names[:-1])
    assert skipped == {".txt": 1}
    return len(bounds)


@given(st.lists(st.lists(st.sampled_from(["a", "a-b", "b", "é", "Z"]), min_size=1, max_size=3), max_size=12))
def test_a_folder_is_walked_in_the_order_of_its_keys(tmp_path_factory, paths):
    root = tmp_path_factory.mktemp("images")
    for parts in paths:
        place = root.joinpath(*(f"{part}.d" for part in parts[:-1]), f"{parts[-1]}.jpg")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    found = [entry.image for entry in Listing(str(root)).entries(None)]
    assert found == sorted(found)
    assert found == list_folder(root).images["image"].tolist()


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_names_that_are_not_utf_8_have_their_place(tmp_path):
    for name in (b"a.jpg", b"\xff.jpg", b"z.jpg", b"[.jpg"):
        (tmp_path / os.fsdecode(name)).touch()
    found = [entry.image for entry in Listing(str(tmp_path)).entries(None)]
    assert found == sorted(found)
    assert "\\xff.jpg" in found
