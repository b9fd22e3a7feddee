"""Nothing but the result goes to standard output."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

NOISY = """
import os, sys
from manifest_tools.manifests.validation import validate
from manifest_tools import cli

def noisy(*args, **options):
    os.write(1, b"a library in C speaks\\n")
    return quiet(*args, **options)

quiet, validate.scan = validate.scan, noisy
sys.argv = ["manifest-tools", *sys.argv[1:]]
cli.main()
"""


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-c", NOISY, *arguments], capture_output=True, timeout=60, check=False, **options
    )


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "images.manifest"
    path.write_text('{"source-ref": "s3://bucket/\u00fc.jpg"}\n', encoding="utf-8")
    return str(path)


def test_what_libraries_print_is_not_among_the_result(manifest):
    done = run("validate", manifest, "--format", "json", "--fail-on", "never")
    assert json.loads(done.stdout)["findings"] == []
    assert b"speaks" not in done.stdout + done.stderr


def test_a_result_in_text_comes_whole(manifest):
    assert b"speaks" not in run("validate", manifest).stdout
    assert b"Passed" in run("validate", manifest).stdout
