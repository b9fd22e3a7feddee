"""The project file, what commands take from it, and a folder's last call."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from types import SimpleNamespace

import pytest
import typer.main
from typer.testing import CliRunner

from manifest_tools.cli import app
from manifest_tools.cli.defaults import defaults
from manifest_tools.core.errors import InputError
from manifest_tools.core.resources import load_json, validate_document
from manifest_tools.pipeline.prepare_options import PrepareOptions
from manifest_tools.pipeline.project_draft import draft_project
from manifest_tools.pipeline.project_file import OPTIONS, OTHERS, PROJECT_FILE, find_project
from tests import ROOT
from tests.pictures import save
from tests.rules.samples import for_testing, mixture, together

COMMANDS = typer.main.get_command(app).commands


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Four pictures, two files of labels of which one needs a map, and its map."""
    folder = tmp_path_factory.mktemp("project")
    for number in range(4):
        save(folder / "photos" / f"{number}.jpg", number)
    (folder / "labels.csv").write_text("file,labels\n0.jpg,Alcohol\n1.jpg,Safe\n", encoding="utf-8")
    (folder / "forum.csv").write_text("file,labels\n2.jpg,booze\n3.jpg,nothing\n", encoding="utf-8")
    (folder / "map.csv").write_text("category,labels\nbooze,Alcohol\nnothing,Safe\n", encoding="utf-8")
    return folder


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    """Return a function that writes a project file into a folder of its own, which is the working folder."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def write(text, name=PROJECT_FILE):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def refused(project, text):
    project(text)
    with pytest.raises(InputError) as caught:
        find_project()
    return str(caught.value)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ('lables = "x"', "unknown key 'lables'; did you mean 'labels'?"),
            ('targets = ["x"]', "unknown key 'targets'; did you mean 'target'?"),
            ("test_size = 0.2", "unknown key 'test_size'; did you mean 'test-size'?"),
            ("xyzzy = 1", "unknown key 'xyzzy'; known: images, to, labels"),
            (
                "[[labels]]\nfile = 'a.csv'\nforma = 'x'",
                "labels: unknown key 'forma'; did you mean 'format'?",
            ),
            ("[[labels]]\nformat = 'x'", "expected file, format and map as text"),
            ("labels = 5", "labels is 5; expected a list of texts"),
            ("images = ['a', 'b']", "images is ['a', 'b']; expected text"),
            ("seed = 1.5", "seed is 1.5; expected a whole number"),
            ("derive = 'yes'", "derive is 'yes'; expected true or false"),
            ("profile = 5", "profile is 5; expected text"),
            ("price = true", "price is True; expected a number"),
            ("images = ", "expected TOML in UTF-8"),
        ],
    )
    def test_what_cannot_be_meant_is_one_sentence_with_the_file(self, project, text, told):
        message = refused(project, text)
        assert message.startswith("manifest-tools.toml: ")
        assert told in message
        assert "\n" not in message

    def test_it_is_found_from_below_and_its_paths_are_seen_from_it(self, project, monkeypatch):
        root = project(
            'images = "photos"\nlabels = ["labels.csv", "folders"]\nout = "prepared"\ntaxonomy = 7\n'
        )
        (root / "a" / "b").mkdir(parents=True)
        monkeypatch.chdir(root / "a" / "b")
        found = find_project()
        assert found.prepare.images == "../../photos"
        assert found.prepare.labels == ("../../labels.csv", "folders")
        assert (found.prepare.taxonomy, str(found.out)) == ("7", "../../prepared")

    def test_pyproject_is_read_where_it_speaks_of_us(self, project, monkeypatch):
        root = project('[tool.manifest-tools]\nimages = "photos"\n', "pyproject.toml")
        assert find_project().prepare.images == "photos"
        assert refused(
            lambda text: project(text, "pyproject.toml"), "[tool.manifest-tools]\nimage = 'x'"
        ) == ("pyproject.toml [tool.manifest-tools]: unknown key 'image'; did you mean 'images'?")
        (root / "sub").mkdir()
        (root / "sub" / "pyproject.toml").write_text("[tool.other\nbroken", encoding="utf-8")  # not ours
        monkeypatch.chdir(root / "sub")
        project('[tool.manifest-tools]\nimages = "photos"\n', "pyproject.toml")
        assert find_project().prepare.images == "../photos"

    def test_every_key_is_in_the_schema_and_is_an_option_of_a_command(self):
        schema = load_json("project.schema.json")
        assert set(schema["properties"]) == {*OPTIONS, *OTHERS}
        options = {name for command in COMMANDS.values() for item in command.params for name in item.opts}
        assert {f"--{key}" for key in {*OPTIONS, *OTHERS} - {"images"}} <= options

    @pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be removed")
    def test_a_working_folder_that_is_gone_changes_no_result(self, tmp_path, manifest_tools, monkeypatch):
        (gone := tmp_path / "gone").mkdir()
        monkeypatch.chdir(gone)
        gone.rmdir()
        assert manifest_tools("validate", ROOT / "sample_data" / "predictions.manifest").code == 0


class TestInit:
    def test_it_writes_what_was_given_and_explains_the_rest(self, project, manifest_tools, monkeypatch):
        root = project("", "other.txt")
        done = manifest_tools(
            "init", "--images", "photos", "--labels", "labels.csv", "--labels", "forum.csv", "--map", "forum.csv=map.csv",
            "--target", "Alcohol:false-positives", "--to", "s3://bucket/photos", "--project", 'my "own"',
        )  # fmt: skip
        assert (done.code, done.out.splitlines()) == (
            0,
            ["wrote manifest-tools.toml", "next        manifest-tools prepare  (nothing is prepared yet)"],
        )
        text = (root / PROJECT_FILE).read_text(encoding="utf-8")
        assert not validate_document(tomllib.loads(text), "project.schema.json")
        assert '# group-by = ["uploader"]' in text
        found = find_project()
        assert found.prepare == PrepareOptions(
            images="photos", labels=("labels.csv", "forum.csv"), mapping=("forum.csv=map.csv",),
            target=("Alcohol:false-positives",), to="s3://bucket/photos",
        )  # fmt: skip
        assert (str(found.out), found.others) == ("prepared", {"project": 'my "own"'})
        (root / "train.manifest").write_text('{"source-ref": "s3://bucket/photos/a.jpg"}\n')
        for tool in (
            ["validate", "train.manifest"],
            ["convert", "train.manifest", "again.manifest", "--kind", "image-list"],
        ):
            # of the project, always
            assert manifest_tools(*tool).out.splitlines()[-1] == done.out.splitlines()[-1]
        again = manifest_tools("init", "--images", "photos", "--out", "elsewhere")
        assert again.code == 2
        assert "is there already and is not overwritten" in again.err

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ([], "say where the images are: --images FOLDER"),
            (["--images", "nowhere"], "there is no nowhere"),
            (["--images", "photos", "--target", "Alchohol:false-positives"], "nearest: Alcohol"),
            (["--images", "photos", "--to", "bucket/x"], "s3://"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_and_nothing_written(
        self, project, manifest_tools, arguments, told
    ):
        root = project("", "other.txt")
        done = manifest_tools("init", *arguments)
        assert done.code == 2
        assert told in done.err
        assert not (root / PROJECT_FILE).exists()

    def test_on_a_terminal_it_asks(self, project, monkeypatch):
        root = project("", "other.txt")
        monkeypatch.setattr(
            "manifest_tools.cli.init.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
        )
        answers = ["", "photos", "labels.csv", "", "Alcohol:false-positives", "results"]
        done = CliRunner().invoke(app, ["init"], input="\n".join([*answers, ""]))
        assert done.exit_code == 0, done.output
        found = find_project(root)
        assert (found.prepare.images, found.prepare.labels, str(found.out)) == (
            "photos",
            ("labels.csv",),
            "results",
        )
        assert found.prepare.target == ("Alcohol:false-positives",)

    def test_every_example_in_it_is_one(self):
        text = draft_project(PrepareOptions(images="x"), "prepared")
        filled = [
            line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ") and " = " in line
        ]
        document = tomllib.loads("\n".join(line for line in filled if not line.startswith(" ")))
        assert not validate_document(document, "project.schema.json")
        assert len(document) > 10


class TestDefaults:
    TEXT = (
        'images = "photos"\nout = "prepared"\nto = "s3://bucket/p"\ntarget = ["Alcohol:false-positives"]\nprofile = "p"\n'
        'project = "mine"\nmin-confidence = 50\ntps = 5\n[[labels]]\nfile = "labels.csv"\n'
    )

    @pytest.mark.parametrize(
        ("command", "has", "lacks"),
        [
            ("prepare", {"out": "prepared", "images": "photos", "min_confidence": 50}, []),
            ("predict", {"images": "prepared", "tps": "5", "profile": "p"}, ["min_confidence", "out"]),
            ("review", {"folder": "prepared"}, []),
            ("publish", {"folder": "prepared", "profile": "p"}, ["to"]),
            ("train", {"folder": "prepared", "project": "mine"}, []),
            ("check", {"places": "prepared"}, ["images"]),
            ("split", {"place": "prepared"}, ["images", "out"]),
            ("evaluate", {"data": "prepared"}, ["adapters"]),
            ("inspect", {"images": "photos"}, ["out"]),
            ("map", {"labels": ["labels.csv"]}, ["mapping"]),
            ("validate", {}, ["policy", "images"]),
            ("convert", {}, ["policy"]),
        ],
    )
    def test_each_command_gets_what_it_means(self, project, command, has, lacks):
        project(self.TEXT)
        found = defaults(command, {})
        assert {name: found.get(name) for name in has} == has
        assert not set(lacks) & set(found)

    def test_the_adapter_trained_last_is_the_one_to_evaluate(self, project):
        root = project(self.TEXT)
        split = together(mixture(fp=1), for_testing())
        for arn in ("arn:one", "arn:two"):
            split = split.step("train", options={"arn": arn, "project_arn": "p", "version": "v"})
        split.save(root / "prepared")
        assert defaults("evaluate", {})["adapters"] == "arn:two"
        assert "adapters" not in defaults("evaluate", {"adapters": ("arn:one",)})

    def test_commands_run_without_an_argument_and_options_go_before(
        self, project, manifest_tools, monkeypatch
    ):
        root = project(
            self.TEXT + '[[labels]]\nfile = "forum.csv"\nmap = "map.csv"\nchecked-labels = ["Alcohol"]\n'
        )
        (root / "below").mkdir()
        monkeypatch.chdir(root / "below")
        done = manifest_tools("prepare", "--workers", 1, "--min-confidence", 60)
        assert "4 images, 4 of them labelled; labels.csv: table; forum.csv: table" in done.err
        assert (root / "prepared" / "train.manifest").is_file()
        call = json.loads((root / "prepared" / "dataset" / "call.json").read_bytes())
        assert (call["images"], call["min_confidence"]) == ("../photos", 60)
        checked = manifest_tools("check", "--format", "json")
        assert not checked.err
        report = json.loads(checked.out)
        assert report["facts"]["made"]["policy"]["targets"] == ["Alcohol:false-positives"]
        refused = manifest_tools("validate")
        assert refused.code == 2  # it takes manifests, and none of the project's

    def test_a_wrong_project_file_stops_no_help(self, project, manifest_tools):
        project("nonsense = 1")
        assert manifest_tools("prepare", "--help").code == 0
        done = manifest_tools("prepare")
        assert done.code == 2
        assert done.err.startswith("manifest-tools: manifest-tools.toml: unknown key 'nonsense'")


class TestLastCall:
    def test_out_alone_repeats_it_and_a_difference_is_told(self, project, manifest_tools, monkeypatch):
        root = project("", "other.txt")
        first = manifest_tools(
            "prepare", "photos", "--labels", "labels.csv", "--labels", "forum.csv", "--map", "forum.csv=map.csv",
            "--to", "s3://bucket/p", "--out", "out", "--workers", 1,
        )  # fmt: skip
        assert "4 images, 4 of them labelled" in first.err
        before = {path.name: path.read_bytes() for path in (root / "out").rglob("*") if path.is_file()}
        monkeypatch.chdir(root / "photos")
        again = manifest_tools("prepare", "--out", "../out", "--workers", 1)
        assert "Changed" not in again.err
        monkeypatch.chdir(root)
        again = manifest_tools("prepare", "--out", "out", "--workers", 1)
        after = {path.name: path.read_bytes() for path in (root / "out").rglob("*") if path.is_file()}
        assert again.code == first.code
        assert {name for name in after if after[name] != before.get(name)} == set()

        changed = manifest_tools(
            "prepare", "photos", "--labels", "labels.csv", "--labels", "forum.csv", "--to", "s3://bucket/p", "--out", "out",
            "--workers", 1,
        )  # fmt: skip
        line = next(line for line in changed.err.splitlines() if line.startswith("Changed"))
        assert line.split(maxsplit=1)[1] == (
            "--map is not given any more: 2 images more will be left out (2, were 0)"
        )

    @pytest.mark.parametrize("content", [None, b"[]", b"{", b'{"images": 5}', b'{"labels": [1]}', b"\xff"])
    def test_without_a_call_to_repeat_images_are_asked_for(self, tmp_path, manifest_tools, content):
        (tmp_path / "out" / "dataset").mkdir(parents=True)
        if content is not None:
            (tmp_path / "out" / "dataset" / "call.json").write_bytes(content)
        done = manifest_tools("prepare", "--out", tmp_path / "out")
        assert done.code == 2
        assert "say where the images are" in done.err


def test_a_map_and_a_format_for_a_file_that_is_not_given_are_refused(project, manifest_tools):
    project("", "other.txt")
    call = [
        "prepare",
        "photos",
        "--labels",
        "labels.csv",
        "--to",
        "s3://bucket/p",
        "--out",
        "out",
        "--workers",
        1,
    ]
    for more, told in (
        (["--map", "forum.csv=map.csv"], "--map forum.csv=...: that is none of the files of labels"),
        (["--labels-format", "forum.csv=coco"], "--labels-format forum.csv=...: that is none"),
        (["--map", "map.csv", "--map", "map.csv"], "is given twice for one file"),
    ):
        done = manifest_tools(*call, *more)
        assert done.code == 2
        assert told in done.err
