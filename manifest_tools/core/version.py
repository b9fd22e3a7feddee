"""Which version of this library runs."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def library_version() -> str:
    """Return the installed version of this package, or "0+checkout" when it is not installed."""
    try:
        return version("manifest-tools")
    except PackageNotFoundError:
        return "0+checkout"


__version__ = library_version()
