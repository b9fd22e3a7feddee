"""What every page of ours is made with: templates that escape, and styles and scripts of our own."""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from manifest_tools.core.text import printable


class _BesideTemplates(FileSystemBytecodeCache):
    """Keeps compiled templates as Python keeps compiled modules: to compile one takes longer than to fill it."""

    def __init__(self) -> None:
        place = cache_from_source(str(Path(__file__).with_name("templates") / "page.py"))
        super().__init__(str(Path(place).parent))

    def get_source_checksum(self, source: str) -> str:
        """Return what a compiled template depends on: its source, jinja2, and the options below."""
        made_by = (Path(module).stat().st_mtime_ns for module in (jinja2.__file__, __file__))
        return super().get_source_checksum(f"{source}{(*made_by,)}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a compiled template, where one is kept that can be read."""
        with suppress(OSError, EOFError, ValueError, pickle.UnpicklingError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template, where Python may keep what it compiles."""
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(self.directory).mkdir(parents=True, exist_ok=True)
                super().dump_bytecode(bucket)


@cache
def environment() -> Environment:
    """Return where templates come from, and the filters that all of them have."""
    made = Environment(
        loader=PackageLoader("manifest_tools.reports"),
        bytecode_cache=_BesideTemplates(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: Mapping[str, Any] = {
        "shown": lambda value: printable(str(value)),
        "number": lambda value: "?" if value is None else f"{value:,}",
        "plain_json": lambda value: json.dumps(value, ensure_ascii=False, sort_keys=True),
        "percent": lambda part, whole: f"{100 * part / whole:.0f} %" if whole else "none",
    }
    made.filters |= filters
    return made


@cache
def asset(name: str) -> dict[str, Any]:
    """Return a file of a page, and the hash by which the page's own policy lets it run."""
    text = files("manifest_tools.reports").joinpath("templates", name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"text": Markup(text), "hash": f"sha256-{digest}"}  # noqa: S704 - our own file
