"""Find the data files of `schemas/`: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parent


@cache
def schema_folder() -> Path:
    """Return the folder that holds the schemas, taxonomies and service limits."""
    packaged = _PACKAGE / "schemas"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "schemas"


@cache
def load_json(name: str) -> Any:
    """Return the parsed JSON file `name` of `schemas/`. Shared: do not modify it."""
    return json.loads((schema_folder() / name).read_text(encoding="utf-8"))
