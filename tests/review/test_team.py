"""Three people at once in real browsers, one of whom is killed; benchmarks/review_team.py does it with 300 images."""

from __future__ import annotations

import shutil

import pytest

from benchmarks.review_team import run


def test_no_answer_is_lost_and_none_asked_twice(tmp_path):
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine (apt install chromium)")
    pytest.importorskip("playwright.sync_api")
    pytest.importorskip("uvicorn")
    found = run(tmp_path, program, images=8, share="0.25", kills=1)
    assert (found.pop("answers"), found.pop("killed")) == (10, 1)
    assert found.pop("seconds") < 120
    assert found.pop("sessions") >= 3
    assert set(found.values()) == {0}, found
