"""Fixtures for every test: no test sees the user's cache, and no test needs the network."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from manifest_tools.core.errors import MissingExtraError
from manifest_tools.testing import LocalS3, local_s3

# Shared machines are slow at times; nothing here is judged by the clock.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# Where Python keeps no compiled modules, each of some hundred child processes would compile the package anew.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(__file__).parents[1] / "build" / "compiled")

# Modules and tests stay to the end: looking through them again and again takes a while.
gc.set_threshold(50_000)

_numbers = count(1)
# Collections outside the repository: a suite of its own, which says where they come from.
collect_ignore = [] if "MANIFEST_TOOLS_DATA" in os.environ else ["with_data"]


def pytest_collection_finish() -> None:
    """Look for no garbage among what was collected."""
    gc.freeze()


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory, monkeypatch):
    """Keep what inspection remembers away from the user's cache folder."""
    monkeypatch.setenv("MANIFEST_TOOLS_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def usual_rights() -> Iterator[None]:
    """Begin with the usual rights of new files: a command that is called in this process narrows them."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test is as wide or as colourful as the terminal of whoever runs it; pytest-xdist sets COLUMNS too."""
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the credentials, or the account, of whoever runs it."""
    for name in (
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def s3() -> Iterator[LocalS3]:
    try:
        with local_s3(buckets=["pictures"]) as server:
            yield server
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def client(s3: LocalS3) -> Any:
    """The administrator's client of the local server."""
    return s3.client()


@pytest.fixture
def prefix() -> str:
    """An address that no other test uses."""
    return f"s3://pictures/test {next(_numbers)}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return a headless browser, where there is one: one for all tests, for Playwright runs once in a thread."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on this machine; 'apt-get install chromium' brings it")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()
