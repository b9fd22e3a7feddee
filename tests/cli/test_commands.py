"""The commands: help, exit codes, messages, and what they print where."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from manifest_tools.__main__ import main
from manifest_tools.cli import app
from manifest_tools.core.stopping import when_stopped, words_when_stopped
from manifest_tools.findings.catalogue import CATALOGUE
from tests import ROOT
from tests.pictures import save

COMMANDS = [command.name for command in app.registered_commands]


@pytest.fixture
def folder(tmp_path):
    """Six pictures and their labels."""
    for number in range(6):
        save(tmp_path / "images" / f"{number}.jpg", number)
    rows = [f"{number}.jpg,{'Alcohol' if number % 2 else 'Safe'}" for number in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,labels", *rows]) + "\n")
    return tmp_path


@pytest.fixture
def prepare(manifest_tools, folder):
    def call(*more: object, images: object = None, labels: object = None):
        return manifest_tools(
            "prepare", images or folder / "images", "--labels", labels or folder / "labels.csv",
            "--to", "s3://bucket/in", "--out", folder / "out", "--workers", 1, *more,
        )  # fmt: skip

    return call


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(manifest_tools, command):
    done = manifest_tools(command, "--help")
    assert done.code == 0
    assert "Usage" in done.out


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "manifest_tools", "--version"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.startswith("manifest-tools ")


def test_prepare_says_what_it_did_and_fails_with_1(prepare, folder):
    done = prepare()
    assert done.code == 1  # six pictures are too few
    assert "Reading" in done.err
    assert "6 images" in done.err
    assert "too-few-test-images" in done.out
    assert str(folder / "out") in done.out
    assert (folder / "out" / "train.manifest").exists()
    assert (folder / "out" / "report.html").exists()


def test_ctrl_c_is_one_line_and_130_and_leaves_nothing(prepare, folder, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("manifest_tools.pipeline.prepare.group_duplicates", interrupted)
    done = prepare("--quiet")
    assert done.code == 130
    assert done.err.strip() == "manifest-tools: interrupted; what was there before is unchanged"
    assert not (folder / "out").exists()


def test_ctrl_c_says_what_the_work_that_was_stopped_knows(prepare, monkeypatch):
    def interrupted(*args, **options):
        with when_stopped(lambda: "3 paid answers kept"), when_stopped(lambda: ""):
            raise KeyboardInterrupt

    monkeypatch.setattr("manifest_tools.pipeline.prepare.group_duplicates", interrupted)
    assert prepare("--quiet").err.strip() == "manifest-tools: interrupted; 3 paid answers kept"
    assert not words_when_stopped()  # said once


def in_the_making_of_a_class():
    class Stopped:
        def __set_name__(self, owner, name):
            raise KeyboardInterrupt

    type("Class", (), {"stopped": Stopped()})


def test_ctrl_c_in_the_making_of_a_class_is_one_line_and_130(prepare, monkeypatch):
    monkeypatch.setattr(
        "manifest_tools.pipeline.prepare.group_duplicates", lambda *_, **__: in_the_making_of_a_class()
    )
    done = prepare("--quiet")
    assert (done.code, done.err.count("\n")) == (130, 1)


def at_once():
    raise KeyboardInterrupt


@pytest.mark.parametrize("interrupted", [at_once, in_the_making_of_a_class])
def test_ctrl_c_while_the_program_loads_shows_no_traceback(interrupted, monkeypatch, capsys):
    monkeypatch.setattr("manifest_tools.cli.main", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "manifest-tools: interrupted\n"


def test_json_stands_alone_on_standard_output(prepare):
    done = prepare("--format", "json")
    report = json.loads(done.out)
    assert list(report)[:4] == ["verdict", "passed", "counts", "counts_left_out"]
    assert "Reading" in done.err


def test_quiet_is_quiet(prepare):
    assert prepare("--quiet").err == ""


def test_images_that_nobody_labelled_end_in_a_report_not_in_an_error(manifest_tools, folder):
    done = manifest_tools(
        "prepare", folder / "images", "--to", "s3://bucket/in", "--out", folder / "out", "--workers", 1
    )
    assert done.code == 1
    assert "None of the 6 images can be used" in done.out
    assert (folder / "out" / "report.html").exists()
    assert (folder / "out" / "train.manifest").read_bytes() == b""


def test_explain_shows_what_a_message_fills_in_without_code(manifest_tools):
    told = manifest_tools("explain", "label-unknown").out
    assert "<label> is not a label of taxonomy <taxonomy>" in told
    assert "{" not in told


def test_fail_on_never_passes(prepare):
    assert prepare("--fail-on", "never").code == 0


def test_check_judges_what_was_prepared_by_another_threshold(manifest_tools, prepare, folder):
    prepare()
    policy = folder / "policy.toml"
    policy.write_text("min_test_images = 1\nmin_false_positives = 1\nmin_false_negatives = 1\n")
    assert manifest_tools("check", folder / "out").code == 1
    done = manifest_tools("check", folder / "out", "--policy", policy)
    assert done.code == 0, done.out


def test_split_makes_new_manifests(manifest_tools, prepare, folder):
    prepare()
    before = (folder / "out" / "train.manifest").read_bytes()
    done = manifest_tools("split", folder / "out", "--min-test", 3, "--test-size", 0.5, "--fail-on", "never")
    assert done.code == 0
    after = (folder / "out" / "train.manifest").read_bytes()
    assert before != after
    assert after.count(b"\n") == 3


def test_split_of_a_manifest_keeps_every_lines_bytes(manifest_tools, tmp_path):
    lines = [
        f'{{"source-ref":   "s3://bucket/{number}.jpg", "mine": {number}, '
        f'"content-moderation-groundtruth": {{"ModerationLabels": [{{"Name": "Alcohol"}}]}}}}'.encode()
        for number in range(10)
    ]
    path = tmp_path / "all.manifest"
    path.write_bytes(b"\r\n".join(lines))
    done = manifest_tools("split", path, "--out", tmp_path / "out", "--min-test", 2, "--fail-on", "never")
    assert done.code == 0, done.err
    parts = [(tmp_path / "out" / f"{side}.manifest").read_bytes() for side in ("train", "test")]
    written = [line.rstrip(b"\r") for part in parts for line in part.split(b"\n") if line]
    assert sorted(written) == sorted(lines)
    assert parts[1].count(b"\n") == 2
    same = ("split", path, "--out", tmp_path / "out", "--min-test", 2, "--fail-on", "never")
    assert manifest_tools(*same).code == 0  # it may have been killed just before its end
    again = manifest_tools(*same, "--seed", 1)
    assert again.code == 2
    assert "not overwritten" in again.err
    assert [(tmp_path / "out" / f"{side}.manifest").read_bytes() for side in ("train", "test")] == parts


def test_convert_writes_what_a_folder_knows(manifest_tools, prepare, folder):
    prepare()
    done = manifest_tools("convert", folder / "out", folder / "again.csv")
    assert (done.code, done.out) == (0, f"6 images in {folder}/again.csv\n")
    assert (folder / "again.csv").read_text().count("\n") == 7
    done = manifest_tools("convert", folder / "out", folder / "gt", "--kind", "multi-label")
    assert done.code == 0, done.err
    assert '"class-map"' in (folder / "gt" / "train.manifest").read_text()
    assert manifest_tools("convert", folder / "out", folder / "again.csv").code == 0
    (folder / "again.csv").write_text("mine")
    assert manifest_tools("convert", folder / "out", folder / "again.csv").code == 2
    assert (folder / "again.csv").read_text() == "mine"
    assert "--kind" in manifest_tools("convert", folder / "labels.csv", folder / "x.manifest").err


def test_check_compares_two_manifests(manifest_tools, tmp_path):
    line = '{"source-ref": "s3://bucket/a.jpg", "content-moderation-groundtruth": {"ModerationLabels": []}}\n'
    for side in ("train", "test"):
        (tmp_path / f"{side}.manifest").write_text(line)
    done = manifest_tools(
        "check", tmp_path / "train.manifest", tmp_path / "test.manifest", "--format", "json"
    )
    assert done.code == 1
    assert "duplicate-source-ref" in {finding["code"] for finding in json.loads(done.out)["findings"]}


def test_inspect_tells_of_broken_files_and_keeps_facts(manifest_tools, folder):
    (folder / "images" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    done = manifest_tools("inspect", folder / "images", "--out", folder / "facts", "--workers", 1)
    assert done.code == 1
    assert "broken.jpg" in done.out
    assert (folder / "facts" / "images.csv").read_text().count("\n") == 8
    assert (folder / "facts" / "dataset" / "images.parquet").exists()


def test_inspect_of_good_pictures_passes(manifest_tools, folder):
    assert manifest_tools("inspect", folder / "images", "--quick", "--workers", 1).code == 0


def test_taxonomy_shows_the_tree_and_looks_up(manifest_tools):
    assert "Weapon Violence" in manifest_tools("taxonomy").out
    assert len(json.loads(manifest_tools("taxonomy", "--format", "json").out)) == 52
    path, *told = manifest_tools("taxonomy", "Pills").out.splitlines()
    assert path == "Drugs & Tobacco > Products > Pills"
    assert [line.split(":")[0].strip() for line in told] == ["covers", "not", "source"]
    misspelt = manifest_tools("taxonomy", "Rude", "Gesture")
    assert (misspelt.code, "nearest: Rude Gestures" in misspelt.out) == (1, True)
    assert "taxonomy 6.1" in manifest_tools("taxonomy", "Suggestive").out


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_is_explained(manifest_tools, code):
    done = manifest_tools("explain", code)
    assert done.code == 0
    assert CATALOGUE[code].source in done.out


def test_an_unknown_code_is_a_usage_error(manifest_tools):
    done = manifest_tools("explain", "label-unknwon")
    assert done.code == 2
    assert "did you mean label-unknown" in done.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--target", "Alchohol:false-positives"], "nearest: Alcohol"),
        (["--target", "Alcohol"], "expected LABEL:GOAL"),
        (["--taxonomy", "8"], "known: 7, 6.1"),
        (["--policy", "none.toml"], "none.toml"),
        (["--predictions", "none.csv"], "cannot read none.csv"),
        (["--checked-labels", "Beer"], "not in taxonomy 7"),
        (["--test-size", "0"], "no share"),
        (["--test-size", "1"], "no share"),
        (["--workers", "0"], "workers"),
        (["--keys", "md5"], "md5"),
    ],
)
def test_options_that_cannot_be_meant_are_one_clear_message(prepare, folder, arguments, told):
    done = prepare(*arguments)
    assert done.code == 2
    assert told in done.err
    assert not (folder / "out").exists()


def test_places_that_cannot_be_used_are_one_clear_message(prepare, folder, manifest_tools):
    (folder / "empty").mkdir()
    (folder / "table.xlsx").write_bytes(b"PK\x03\x04")
    assert "does not exist" in prepare(images=folder / "nowhere").err
    assert "holds no images" in prepare(images=folder / "empty").err
    assert "save it as CSV" in prepare(labels=folder / "table.xlsx").err
    assert "none.csv does not exist" in prepare(labels=folder / "none.csv").err
    for done in (prepare(images=folder / "nowhere"), manifest_tools("check", folder / "empty")):
        assert done.code == 2
        assert done.err.count("\n") == 1


def test_a_foreign_folder_is_not_written_to(prepare, folder):
    (folder / "out").mkdir()
    (folder / "out" / "thesis.txt").write_text("")
    done = prepare()
    assert done.code == 2
    assert "not made by manifest-tools" in done.err
    assert [path.name for path in (folder / "out").iterdir()] == ["thesis.txt"]


def test_twenty_thousand_unmatched_rows_stay_readable(prepare, folder):
    with (folder / "labels.csv").open("a") as file:
        file.writelines(f"gone {number}.jpg,Alcohol\n" for number in range(20_000))
    done = prepare("--quiet")
    assert "label-orphan" in done.out
    assert "20,000" in done.out
    assert done.out.count("gone ") <= 40
    assert len((folder / "out" / "findings.jsonl").read_text().splitlines()) < 1100


def test_several_files_of_labels_are_all_read(prepare, folder):
    lines = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join(lines[:4]) + "\n")
    (folder / "more.csv").write_text("\n".join([lines[0], *lines[4:]]) + "\n")

    assert "3 of them labelled" in prepare().err + prepare().out
    done = prepare("--labels", folder / "more.csv")
    assert "6 of them labelled" in done.err + done.out


@pytest.mark.parametrize("option", [["--seed", "1"], ["--out", "x"], ["--policy", "x.toml"]])
def test_an_option_for_one_value_that_is_given_twice_is_refused(manifest_tools, option):
    done = manifest_tools("prepare", "images", "--to", "s3://bucket/in", "--out", "out", *option, *option)

    assert done.code == 2
    assert "times, but takes one value" in " ".join(done.err.split())


class TestProve:
    def test_the_split_is_told_what_to_prove_and_the_report_says_what_gave_way(
        self, manifest_tools, prepare, folder
    ):
        prepare()
        out = folder / "out"
        done = manifest_tools("split", out, "--prove", "Alcohol:false-negatives=0.5", "--format", "json")
        told = [found for found in json.loads(done.out)["findings"] if found["code"] == "split-infeasible"]
        (proof,) = [found for found in told if "prove" in found["data"]["constraint"]]
        assert (proof["location"]["label"], proof["data"]["wanted"], proof["data"]["got"]) == (
            "Alcohol",
            15,
            0,
        )

    def test_a_wish_that_is_none_is_refused_before_anything_is_read(self, prepare, folder):
        done = prepare("--prove", "Alcohol:false-negatives=50")
        assert done.code == 2
        assert "expected LABEL:GOAL=SHARE" in done.err
        assert not (folder / "out").exists()

    def test_a_manifest_does_not_say_what_the_base_model_gets_wrong(self, manifest_tools, prepare, folder):
        prepare()
        manifest = folder / "out" / "train.manifest"
        done = manifest_tools(
            "split", manifest, "--out", folder / "halves", "--prove", "Alcohol:false-negatives=1"
        )
        assert done.code == 2
        assert "--prove needs a prepared folder" in done.err


def test_what_is_missing_around_the_work_is_said_in_a_line(tmp_path):
    (tmp_path / "file").write_text("")
    save(tmp_path / "images" / "a.jpg", 1)
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "MANIFEST_TOOLS_CACHE": str(tmp_path / "file" / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "manifest_tools", "inspect", str(tmp_path / "images"), "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.startswith("manifest-tools: the image cache")
    assert "Warning" not in done.stderr
