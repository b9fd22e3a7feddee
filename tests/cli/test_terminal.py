"""The terminal: width, colours, what stands last, causes, log, and help without noise."""

from __future__ import annotations

import io
import re

import pytest
import typer.main
from typer.testing import CliRunner

from manifest_tools.cli import app, completion
from manifest_tools.cli.terminal import colored, columns
from manifest_tools.reports import render_text
from tests.rules.samples import check, data, for_testing, mixture, together

COMMANDS = typer.main.get_command(app).commands


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(("given", "filled"), [("20", 60), ("80", 80), ("150", 150), ("999", 200)])
def test_as_wide_as_the_terminal_within_bounds(monkeypatch, given, filled):
    assert columns(io.StringIO()) == 100  # a file or a pipe
    monkeypatch.setenv("COLUMNS", given)
    assert columns(Terminal()) == filled


@pytest.mark.parametrize(
    ("environment", "stream", "wanted"),
    [
        ({}, Terminal, True),
        ({}, io.StringIO, False),
        ({"NO_COLOR": "1"}, Terminal, False),
        ({"NO_COLOR": ""}, Terminal, True),
        ({"TERM": "dumb"}, Terminal, False),
        ({"FORCE_COLOR": "1"}, io.StringIO, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, io.StringIO, False),
    ],
)
def test_colours_where_they_are_wanted(monkeypatch, environment, stream, wanted):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert colored(stream()) is wanted


@pytest.mark.parametrize("width", [60, 100, 200])
def test_no_line_of_a_report_is_wider_than_the_terminal(width):
    text = render_text(check(together(mixture(fp=2), for_testing())), width=width)
    lines = [line for line in text.splitlines() if not re.match(r"(label|Alcohol|Labels) ", line)]
    assert max(map(len, lines)) <= width


def test_verdict_counts_and_next_step_are_the_last_lines(manifest_tools, tmp_path):
    together(mixture(fp=2), for_testing()).save(tmp_path / "out")
    done = manifest_tools("check", tmp_path / "out")
    verdict, images, findings, following = done.out.splitlines()[-4:]
    assert verdict == "verdict     Not ready to train"
    assert images.startswith("images      27 images found, 27 usable: ")
    assert findings == "findings    1 error, 0 warnings, 0 notes"
    assert following.startswith("next        manifest-tools ")


def test_what_inspected_images_need_next_is_their_labels(manifest_tools, tmp_path):
    folder = tmp_path / "my photos"
    folder.mkdir()
    (folder / "page.jpg").write_text("<!doctype html>")
    done = manifest_tools("inspect", folder)
    assert done.out.splitlines()[-1].startswith(
        f"next        manifest-tools prepare '{folder}' --labels FILE "
    )


def _unknown(number):
    names = [f"{place:02}.jpg" for place in range(number)]
    return check(data(names, [(name, "OK", True) for name in names]))


def test_findings_of_one_cause_are_one_line_and_all_shows_each(manifest_tools, tmp_path):
    text = render_text(_unknown(32))
    (line,) = (line for line in " ".join(text.split()).split("    ") if "'OK'" in line)
    assert "(32 images, the first: 00.jpg)" in line
    assert "31.jpg" not in text
    assert "31.jpg" in render_text(_unknown(32), everything=True)
    assert "(3 images" not in render_text(_unknown(3))  # few stand by themselves
    assert "02.jpg" in render_text(_unknown(3))

    names = [f"{place:02}.jpg" for place in range(5)]
    data(names, [(name, "OK", True) for name in names]).save(tmp_path / "out")
    assert "(5 images, the first: 00.jpg)" in manifest_tools("check", tmp_path / "out").out
    assert "04.jpg" in manifest_tools("check", tmp_path / "out", "--all").out


def test_a_log_has_what_was_said_and_where_an_error_comes_from(manifest_tools, tmp_path):
    log = tmp_path / "run.log"
    together(mixture(fp=2), for_testing()).save(tmp_path / "out")
    manifest_tools("check", tmp_path / "out", "--log", log)
    manifest_tools("check", tmp_path / "nowhere", "--log", log)
    text = log.read_text(encoding="utf-8")
    assert "Not ready to train" in text
    assert text.count(" $ manifest-tools check ") == 2
    assert "InputError" in text
    assert all(re.match(r"\d{4}-\d\d-\d\dT\S+ ", line) for line in text.splitlines())
    done = manifest_tools("check", tmp_path / "out", "--log", tmp_path)
    assert done.code == 2
    assert "cannot write the log" in done.err
    assert manifest_tools("check", tmp_path / "out").code == 1  # and no log is kept any more
    assert log.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", [*sorted(COMMANDS), ""])
def test_help_has_no_noise(manifest_tools, name):
    assert "<bool>" not in manifest_tools(*name.split(), "--help").out


class TestCompletion:
    def test_labels_targets_and_codes(self):
        assert completion.labels("alcoholic b") == ["Alcoholic Beverages"]
        assert completion.targets("alc") == ["Alcohol:false-positives", "Alcohol:false-negatives"]
        assert "label-unchecked" in completion.codes("label-un")
        assert completion.codes("x-") == []

    def test_adapters_of_the_project_the_latest_first(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert completion.adapters("") == []
        (tmp_path / "manifest-tools.toml").write_text('out = "prepared"\n', encoding="utf-8")
        split = mixture(fp=1)
        for arn in ("arn:one", "arn:two"):
            split = split.step("train", options={"arn": arn, "project_arn": "p", "version": "v"})
        split.save(tmp_path / "prepared")
        assert completion.adapters("arn:") == ["arn:two", "arn:one"]
        (tmp_path / "manifest-tools.toml").write_text("nonsense", encoding="utf-8")
        assert completion.adapters("") == []

    def test_the_shell_gets_them(self):
        environment = {
            "_MANIFEST_TOOLS_COMPLETE": "complete_bash",
            "COMP_WORDS": "manifest-tools explain label-unch",
            "COMP_CWORD": "2",
        }
        done = CliRunner().invoke(app, [], env=environment, prog_name="manifest-tools")
        assert "label-unchecked" in done.output
