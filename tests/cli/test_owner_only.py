"""What the commands write is for whoever runs them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from manifest_tools.pipeline.inspect import inspect
from tests.pictures import save

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of files")


def open_to_others(*places):
    return [
        str(path)
        for place in places
        for path in [place, *place.rglob("*")]
        if path.stat().st_mode & 0o077 and not path.is_symlink()
    ]


def test_files_of_a_command_are_for_their_owner_alone(tmp_path):
    save(tmp_path / "photos" / "a.jpg", 1)
    (tmp_path / "labels.csv").write_text("file,labels\na.jpg,Alcohol\n")
    words = ["prepare", "photos", "--labels", "labels.csv", "--to", "s3://bucket/x", "--out", "out"]
    command = [sys.executable, "-m", "manifest_tools", *words]
    environment = os.environ | {"MANIFEST_TOOLS_CACHE": str(tmp_path / "cache")}
    for _ in range(2):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=100
        )
        assert done.returncode == 1, done.stderr
        assert (tmp_path / "out" / "report.html").is_file()
        assert open_to_others(tmp_path / "out", tmp_path / "cache") == []
        (tmp_path / "out" / "report.html").chmod(0o644)
    assert (tmp_path / "labels.csv").stat().st_mode & 0o044  # files of others keep their rights


def test_folders_that_the_library_makes_are_too(tmp_path, monkeypatch):
    save(tmp_path / "photos" / "a.jpg", 1)
    monkeypatch.setenv("MANIFEST_TOOLS_CACHE", str(tmp_path / "cache"))
    inspect(tmp_path / "photos", out=tmp_path / "out", workers=1)
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
