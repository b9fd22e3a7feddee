"""The data files of `schemas/`: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def schema_folder() -> Path:
    """Return the folder that holds the schemas, taxonomies and service limits."""
    packaged = _PACKAGE / "schemas"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "schemas"


@cache
def load_json(name: str) -> Any:
    """Return the parsed JSON file `name` of `schemas/`. Shared: do not modify it."""
    return json.loads((schema_folder() / name).read_text(encoding="utf-8"))


def validate_document(document: Any, schema: str) -> str:
    """Return what is wrong with one of our own documents: the place and what was expected, or "" if it is right.

    Parameters
    ----------
    document : object
        Parsed JSON.
    schema : str
        A JSON Schema of `schemas/`.
    """
    import jsonschema_rs  # noqa: PLC0415 - only where a document is read back

    with suppress(ValueError):  # a value that it does not take, such as half of a surrogate pair
        if jsonschema_rs.is_valid(load_json(schema), document):
            return ""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow to load, and only to say what is wrong
    from jsonschema.exceptions import best_match  # noqa: PLC0415

    error = best_match(Draft202012Validator(load_json(schema)).iter_errors(document))
    return "" if error is None else f"at {error.json_path}: {error.message[:200]}"
