"""Run the command line as a user does, in this process: arguments in; exit code and output out."""

from __future__ import annotations

import sys
from typing import NamedTuple

import pytest

from manifest_tools.cli import main


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Done:
    """Run one command to its end."""
    monkeypatch.setattr(sys, "argv", ["manifest-tools", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return Done(int(ended.value.code or 0), captured.out, captured.err)
