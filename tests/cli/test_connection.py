"""Profile, region and address: the same options, with the same meaning, wherever S3 or Rekognition is used."""

from __future__ import annotations

import os

import pytest
import typer.main

from manifest_tools.cli import app
from manifest_tools.cli.remote import connection
from tests.pictures import save

COMMANDS = typer.main.get_command(app).commands
REACHING = [
    "prepare",
    "inspect",
    "progress",
    "review",
    "publish",
    "predict",
    "train",
    "evaluate",
    "moderate",
    "forget",
]


@pytest.mark.parametrize("name", REACHING)
def test_every_command_that_reaches_amazon_has_all_three(name):
    options = {option for item in COMMANDS[name].params for option in item.opts}
    assert {"--profile", "--region", "--endpoint-url"} <= options


def test_they_are_in_force_for_the_command_alone(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the environment")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://before")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    before = dict(os.environ)
    with connection("mine", "eu-west-1", "http://there"):
        assert os.environ["AWS_PROFILE"] == "mine"
        assert "AWS_ACCESS_KEY_ID" not in os.environ  # it would go before the profile that was asked for
        assert os.environ["AWS_DEFAULT_REGION"] == "eu-west-1"
        assert (
            os.environ["AWS_ENDPOINT_URL_S3"] == os.environ["AWS_ENDPOINT_URL_REKOGNITION"] == "http://there"
        )
    assert dict(os.environ) == before
    with connection(None, None, None):
        assert dict(os.environ) == before


def test_images_in_s3_are_read_from_the_address_that_is_given(
    manifest_tools, s3, client, tmp_path, monkeypatch
):
    for name, value in s3.environment.items():
        if not name.startswith("AWS_ENDPOINT"):
            monkeypatch.setenv(name, value)
    client.upload_file(str(save(tmp_path / "a.jpg", 1)), "pictures", "connection/a.jpg")
    place = ["s3://pictures/connection", "--workers", 1, "--no-cache"]
    done = manifest_tools("inspect", *place, "--endpoint-url", s3.url, "--region", "us-east-1")
    assert done.code == 0, done.err
    assert "1 image found, 1 usable" in done.out
