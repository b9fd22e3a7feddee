"""The house stands: imports point down, and importing the package costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import manifest_tools
from manifest_tools.core.version import library_version
from tests import ROOT

PACKAGE = ROOT / "manifest_tools"

# From the ground up. A room may import rooms of lower floors, and its own: also inside functions and for types alone.
FLOORS = (
    {"core"},
    {"findings", "storage"},
    {"dataset"},
    {"parallel"},
    {"duplicates", "evaluation", "manifests", "splits"},
    {"rules", "sources"},
    {"images", "reports"},
    {"review", "aws"},
    {"pipeline"},
    {"testing", "cli"},
)
TOP = {"__init__", "__main__"}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Return the rooms that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "manifest_tools":
            found |= {node.module.split(".")[1]} if "." in node.module else {name.name for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {
                name.name.split(".")[1] for name in node.names if name.name.startswith("manifest_tools.")
            }
    return found


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem not in TOP)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path):
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    room = room_of(path)
    assert room in floor, f"give the room {room!r} a floor"
    for other in imports(path) - {room}:
        assert other in floor, f"import {other!r} from the room that defines it"
        assert floor[other] < floor[room], f"{room} imports {other} of the same floor or above"


def test_only_storage_aws_and_the_test_double_import_boto3():
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        if any(name.split(".")[0] in ("boto3", "botocore") for name in names):
            assert room_of(path) in ("storage", "aws", "testing"), path


NUMERIC = {"numpy", "pandas", "pyarrow", "scipy", "sklearn"}
OTHERS = {"boto3", "jinja2", "jsonschema", "PIL"}


def loaded_by(statement: str) -> set[str]:
    script = f"import sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import manifest_tools", NUMERIC | OTHERS),
        ("import manifest_tools.images.task", NUMERIC - {"numpy"} | OTHERS - {"PIL"}),  # in every worker
        (
            "import manifest_tools.manifests.validation.parallel_scan",
            NUMERIC - {"numpy"} | OTHERS,
        ),  # likewise
        ("import manifest_tools.pipeline.prepare, manifest_tools.pipeline.inspect", {"sklearn", "boto3"}),
    ],
)
def test_importing_loads_nothing_heavy(statement, heavy):
    assert not loaded_by(statement) & heavy


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        ("--help", NUMERIC | OTHERS),
        ("validate sample_data/predictions.manifest", NUMERIC - {"numpy"} | OTHERS),
        ("inspect sample_data/images/bar --quick", {"scipy", "sklearn"} | OTHERS - {"PIL"}),
    ],
)
def test_commands_load_what_they_need_alone(arguments, heavy):
    run = f"from manifest_tools.__main__ import main; sys.argv = 'manifest-tools {arguments}'.split(); main()"
    assert not loaded_by(run) & heavy


def test_every_public_name_can_be_imported():
    for name in manifest_tools.__all__:
        assert getattr(manifest_tools, name) is not None
    assert callable(manifest_tools.prepare)
    assert manifest_tools.__version__ == library_version()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        manifest_tools.nothing  # noqa: B018
