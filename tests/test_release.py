"""What a release stands on: versions that agree, a lock file that covers everything, an action that does what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from tests import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements) -> set[str]:
    found = (re.match(r"[\w.-]+", line) for line in requirements)
    return {name[0].casefold().replace("_", "-").replace(".", "-") for name in found if name}


def test_the_citation_has_the_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == PROJECT["version"]


def test_the_lock_file_covers_every_dependency_and_names_no_index():
    text = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    wanted = names(PROJECT["dependencies"]).union(*map(names, PROJECT["optional-dependencies"].values()))
    assert wanted - {"manifest-tools"} - names(text.splitlines()) == set()
    assert "://" not in text


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/**/*.yml")), ids=lambda path: path.name)
def test_workflows_and_forms_are_yaml(path):
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_the_action_writes_findings_and_fails_by_them(tmp_path):
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    *_, script = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "one.manifest").write_text("{}\n", encoding="utf-8")
    (tmp_path / "manifest-tools").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m manifest_tools "$@"\n')
    (tmp_path / "manifest-tools").chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "MANIFESTS": "a b/*.manifest\n",
        "SARIF": "found.sarif",
    }
    done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 1
    assert json.loads((tmp_path / "found.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
