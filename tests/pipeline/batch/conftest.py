from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from manifest_tools.core.errors import MissingExtraError
from manifest_tools.storage import s3_images
from manifest_tools.testing import LocalS3, local_s3

_numbers = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[LocalS3]:
    try:
        with local_s3(buckets=["pictures"]) as running:
            yield running
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture
def s3(server, monkeypatch):
    """The local server as everybody's Amazon, for this test and the processes that it starts."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    s3_images._client_of.cache_clear()
    yield server
    s3_images._client_of.cache_clear()


@pytest.fixture
def prefix():
    """An address that no other test uses."""
    return f"s3://pictures/run test {next(_numbers)}"
