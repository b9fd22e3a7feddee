"""The documentation site, built by `make docs`. Pages that can be generated are, so that none is ever behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.lexers.special import TextLexer

import manifest_tools
from manifest_tools import aws, testing
from manifest_tools.findings.catalogue import SUBJECTS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
GENERATED = HERE / "_generated"

project = "manifest_tools"
author = "the manifest_tools developers"
copyright = author  # noqa: A001 - Sphinx's name
version = release = manifest_tools.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
templates_path = ["_templates"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc shows the types that the docstrings name
autodoc_default_options = {"exclude-members": "set_split_request"}  # scikit-learn's, for its own pages
numpydoc_show_class_members = False
html_theme = "furo"
html_title = "manifest_tools"
html_copy_source = False


def commands() -> str:
    """Return the page of the command line, as typer writes it from the commands themselves."""
    options = ["--app", "app", "manifest_tools.cli", "utils", "docs", "--name", "manifest-tools"]
    typer = [sys.executable, "-m", "typer", *options]
    return subprocess.run(typer, check=True, capture_output=True, text=True).stdout.replace(  # noqa: S603 - our own
        "# `manifest-tools`", "# Commands", 1
    )


def codes() -> str:
    """Return the page of the finding codes: what `explain` says of each."""
    lines = [
        "# Finding codes",
        "",
        "What each finding means and what to do; `manifest-tools explain CODE` says the same.",
        "",
    ]
    for subject, entries in SUBJECTS.items():
        lines += [f"## {subject}", ""]
        for entry in entries:
            lines += [
                f"### `{entry.code}`",
                "",
                f"*{entry.severity}.* {entry.meaning}",
                "",
                f"Fix: {entry.fix}",
                "",
                f"Source: {entry.source}",
                "",
            ]
    return "\n".join(lines)


def python() -> str:
    """Return the page of the public Python names."""
    lines = ["Python", "======", "", "Every public name, with an example that runs.", ""]
    for title, module in (
        ("manifest_tools", manifest_tools),
        ("manifest_tools.aws", aws),
        ("manifest_tools.testing", testing),
    ):
        names = [name for name in module.__all__ if name not in ("aws", "__version__")]
        lines += [
            title,
            "-" * len(title),
            "",
            f".. currentmodule:: {module.__name__}",
            "",
            ".. autosummary::",
            "   :toctree: api",
            "",
        ]
        lines += [*(f"   {name}" for name in names), ""]
    return "\n".join(lines)


def _write_pages() -> None:
    GENERATED.mkdir(exist_ok=True)
    for name, text in (("commands.md", commands()), ("codes.md", codes()), ("python.rst", python())):
        path = GENERATED / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # else Sphinx reads it anew
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Write the pages, and let tables stand in the guides by the name that other renderers know."""
    app.add_lexer("csv", TextLexer)
    _write_pages()
