"""How a value is printed that the rooms above know how to word; the package itself fills this in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

words: dict[str, Callable[[Any], str]] = {}  # by the name of the class
