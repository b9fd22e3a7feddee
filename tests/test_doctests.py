"""What is public is documented in full, and its examples run: in a folder that holds `sample_data`, and nothing else."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import manifest_tools
from manifest_tools import aws, testing
from manifest_tools.core.errors import MissingExtraError
from manifest_tools.testing.storage import find_seaweedfs
from tests import ROOT

PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (manifest_tools, aws, testing)
    for name in module.__all__
    if name != "aws"
}


def doctests_of(module):
    return [test for test in doctest.DocTestFinder().find(module, module.__name__) if test.examples]


def modules():
    for found in pkgutil.walk_packages(manifest_tools.__path__, "manifest_tools."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


EXAMPLES = {test.name: test for module in modules() for test in doctests_of(module)}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name, monkeypatch, tmp_path):
    test = EXAMPLES[name]
    if "local_s3" in test.docstring:
        try:
            find_seaweedfs()
        except MissingExtraError as error:
            pytest.skip(str(error))
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False)
    runner.run(test, out=told.append, clear_globs=False)
    assert not told, "".join(told)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_is_documented_in_full(name):
    value = PUBLIC[name]
    text = inspect.getdoc(value) or ""
    sections = ["Examples"]
    if inspect.isfunction(value):
        result = "Yields" if inspect.isgeneratorfunction(inspect.unwrap(value)) else "Returns"
        sections += ["Parameters", result, "Raises"]
    for section in sections:
        assert f"\n{section}\n{'-' * len(section)}\n" in text, section
    assert ">>>" in text
    assert "+SKIP" not in text


@pytest.mark.parametrize("name", [name for name, value in PUBLIC.items() if inspect.isfunction(value)])
def test_every_parameter_is_documented(name):
    text = inspect.getdoc(PUBLIC[name]) or ""
    section = text.partition("\nParameters\n---")[2]
    named = {
        part.strip().lstrip("*")
        for line in section.splitlines()
        if line and not line.startswith((" ", "-"))
        for part in line.partition(" : ")[0].split(",")
    }
    assert set(inspect.signature(PUBLIC[name]).parameters) <= named
