"""Each recipe of docs/recipes.md runs as it is printed."""

from __future__ import annotations

import re

import pytest

from tests import ROOT

TEXT = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^## ([^\n]*)\n.*?^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("code", [code for _, code in RECIPES], ids=[name for name, _ in RECIPES])
def test_recipe(code, monkeypatch):
    monkeypatch.chdir(ROOT)
    names = {"__name__": "recipe"}
    exec(compile(code, "docs/recipes.md", "exec"), names)
    assert names.keys() - {"__name__", "__builtins__"}, "the recipe made nothing"


def test_there_is_a_recipe_for_each_title():
    assert len(RECIPES) == TEXT.count("\n## ")
