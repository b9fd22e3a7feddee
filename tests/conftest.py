"""Fixtures for every test: no test sees the user's cache, and no test needs the network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Shared machines are slow at times; nothing here is judged by the clock.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

DATA = Path(os.environ.get("MANIFEST_TOOLS_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory, monkeypatch):
    """Keep what inspection remembers away from the user's cache folder."""
    monkeypatch.setenv("MANIFEST_TOOLS_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def real_images() -> Path:
    """Return a folder of labelled photographs and drawings, where it is at hand."""
    folder = DATA / "openclipart-moderation"
    if not folder.is_dir():
        pytest.skip(f"no development data at {DATA} (set MANIFEST_TOOLS_DATA)")
    return folder
