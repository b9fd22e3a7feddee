"""What reaches a terminal, and what happens when nothing can."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

EVIL = "e\u202evil\x1b[31m\x9b2J\u2066"


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / f"{EVIL}.manifest"
    line = {
        "source-ref": "s3://my-bucket/a.jpg",
        "content-moderation-groundtruth": {"ModerationLabels": [{"Name": EVIL}]},
    }
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    return path


def command(*arguments, shell="", **options):
    words = [sys.executable, "-m", "manifest_tools", *map(str, arguments)]
    if shell:
        words = ["sh", "-c", f'exec "$@" {shell}', "sh", *words]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
    return subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=False,
                          env=environment, timeout=100, **options)  # fmt: skip


@pytest.mark.parametrize("arguments", [
    ("validate", "{}"), ("validate", "{}", "--format", "json"), ("validate", "{}", "--format", "sarif"),
    ("validate", "{}", "--fix", "{}.fixed"), ("convert", "{}", "{}.out", "--kind", "moderation"), ("check", "{}", "{}"),
    ("split", "{}", "--out", "{}.d"), ("diff", "{}", "{}"), ("map", "{}"), ("prepare", "{}", "--out", "{}"),
    ("review", "{}"), ("publish", "{}"), ("evaluate", "{}"), ("taxonomy", EVIL), ("explain", EVIL)])  # fmt: skip
def test_no_name_moves_the_cursor_or_turns_text_round(manifest, arguments):
    done = command(*(argument.format(manifest) for argument in arguments))
    assert "Traceback" not in done.stderr
    for character in "\x1b\x9b\u202e\u2066":
        assert character not in done.stdout + done.stderr
    if "json" in arguments:
        assert EVIL in json.loads(done.stdout)["facts"]["files"][0]["file"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [("taxonomy",), ("--version",), ("explain", "--format", "json")])
@pytest.mark.parametrize("shell", [">/dev/full", ">&-"])
def test_an_output_that_takes_nothing_is_said_once(arguments, shell):
    done = command(*arguments, shell=shell)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if done.returncode:
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["2>&-", "2>/dev/full", "<&-"])
def test_without_a_standard_error_or_input_the_exit_code_says_it(shell, tmp_path):
    assert command("validate", tmp_path / "none", shell=shell).returncode == 2


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_run_that_is_terminated_leaves_nothing_behind(tmp_path, name):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from manifest_tools import cli\n"
        "from manifest_tools.core.commit import replacing_files\n"
        "def work():\n"
        "    with replacing_files(Path(sys.argv[1])) as stage:\n"
        "        (stage / 'x').write_text('x')\n"
        f"        os.kill(os.getpid(), signal.{name})\n"
        "        signal.pause()\n"
        "cli.command_line = lambda only: work\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 128 + getattr(signal, name)
    assert done.stderr == "manifest-tools: terminated; what was there before is unchanged\n"
    assert list(tmp_path.iterdir()) == []
