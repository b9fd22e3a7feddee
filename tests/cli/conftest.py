"""The command line as a fixture."""

from __future__ import annotations

from functools import partial

import pytest

from tests.cli.running import run


@pytest.fixture
def manifest_tools(capsys, monkeypatch):
    """Return a function that runs a command in this process."""
    return partial(run, capsys, monkeypatch)
