"""The names of class numbers, as Hugging Face keeps them: in the schema of a Parquet file, or in README.md beside the data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from manifest_tools.sources.formats.json_files import member, objects

ClassNames = Mapping[str, Mapping[int, str]]
"""For each column, the name of each class."""

_CARD = "README.md"
_MAX_CARD = 1_000_000  # bytes; a card with a thousand classes has 30,000
_LEVELS = 3  # folders from the data up in which the card is looked for


def schema_class_names(metadata: Mapping[bytes, bytes]) -> ClassNames:
    """Return what the metadata of an Arrow schema says."""
    try:
        features = member(json.loads(metadata.get(b"huggingface", b"{}")), "info", "features")
    except (ValueError, RecursionError):
        return {}
    found = {}
    for column, feature in features.items() if isinstance(features, dict) else ():
        inner = feature
        for _ in range(3):  # of a list, its members
            inner = inner[0] if isinstance(inner, list) and inner else inner
            inner = inner.get("feature", inner) if isinstance(inner, dict) else inner
        names = inner.get("names") if isinstance(inner, dict) and inner.get("_type") == "ClassLabel" else None
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            found[column] = dict(enumerate(names))
    return found


def card_class_names(folder: Path) -> ClassNames:
    """Return what the data set's card says, which lies beside the data or in a folder above.

    Of several configurations, a column's names count where all that name its classes agree.
    """
    folder = folder.absolute()
    for place in (folder, *folder.parents[: _LEVELS - 1]):
        infos = _data_set_infos(place / _CARD)
        if infos:
            return _agreed(infos)
    return {}


def named(value: Any, names: Mapping[int, str] | None) -> Any:
    """Return class numbers, also as text, by their names; -1 is no class, as Hugging Face has it."""
    if names is None:
        return value
    if isinstance(value, list):
        return [named(item, names) for item in value]
    if isinstance(value, str) and value.strip().isdecimal() and value.strip().isascii():
        return names.get(int(value), value)
    if isinstance(value, int) and not isinstance(value, bool):
        return names.get(value, None if value == -1 else value)
    return value


def _data_set_infos(card: Path) -> list[Mapping[str, Any]]:
    """Return ``dataset_info`` of the YAML that a card begins with, one for each configuration."""
    import yaml  # noqa: PLC0415 - only for these files

    try:
        if card.stat().st_size > _MAX_CARD:
            return []
        _, begin, rest = card.read_text(encoding="utf-8").partition("---\n")
        front, end, _ = rest.partition("\n---")
        said = yaml.safe_load(front) if begin and end else None
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return []  # no card, or one for people alone
    infos = member(said, "dataset_info")
    return objects(infos if isinstance(infos, list) else [infos])


def _agreed(infos: list[Mapping[str, Any]]) -> ClassNames:
    found: dict[str, dict[int, str]] = {}
    differ = set()
    for info in infos:
        for column, names in _card_columns(info.get("features")):
            if found.setdefault(column, names) != names:
                differ.add(column)
    return {column: names for column, names in found.items() if column not in differ}


def _card_columns(features: Any) -> Iterator[tuple[str, dict[int, str]]]:
    for feature in objects(features):
        kind = next(filter(None, (feature.get(key) for key in ("dtype", "sequence", "list"))), None)
        names = member(kind, "class_label", "names") or member(kind, "dtype", "class_label", "names")
        try:
            numbered = (
                {int(number): name for number, name in names.items()} if isinstance(names, dict) else {}
            )
        except ValueError:
            continue
        if numbered and all(isinstance(name, str) for name in numbered.values()):
            yield str(feature.get("name")), numbered
