"""TOML files that people wrote."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError


def read_toml(path: str | Path) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises
    ------
    InputError
        It cannot be read, is not TOML, holds a number of thousands of digits, or is nested too deep.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror or error}; expected a TOML file") from error
    except ValueError as error:  # not UTF-8, not TOML, or too many digits for a number
        raise InputError(f"{error}; expected TOML in UTF-8") from error
    except RecursionError as error:
        raise InputError(
            "lists or tables are nested too deep; expected TOML as the documents show it"
        ) from error
