"""Labels and answers that a program holds already: data frames, lists and mappings, read as the files that they could be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import pandas as pd

from manifest_tools.core.csv_cells import write_csv
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset

Table: TypeAlias = pd.DataFrame | Sequence[Mapping[str, Any] | tuple[Any, ...]] | Mapping[str, Any]
_BETWEEN = ";"  # labels of one cell


@dataclass
class AsFiles:
    """Tables written to files: `given` is what to read, `names` what the files are called where people read."""

    given: Any
    names: dict[str, str] = field(default_factory=dict)

    def told(self, dataset: Dataset) -> Dataset:
        """Return a data set that knows the tables by their names, and not by files that are gone."""
        if not self.names:
            return dataset
        sources, history = (self._told(part) for part in (dict(dataset.sources), list(dataset.history)))
        return replace(dataset, sources=sources, history=tuple(history))

    def _told(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._told(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._told(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """Return a text in which the tables have their names."""
        for path, name in self.names.items():
            text = text.replace(path, name)
        return text


@contextmanager
def as_files(said: Any, name: str) -> Iterator[AsFiles]:
    """Give files for tables that are in memory; paths stay as they are.

    Parameters
    ----------
    said : path, DataFrame, list of mappings or tuples, mapping of image to labels, or a sequence of paths and DataFrames
    name : str
        What a table is called in messages and in the data set.
    """
    if isinstance(said, str | Path | Dataset) or said is None:
        yield AsFiles(said)
        return
    one = isinstance(said, pd.DataFrame | Mapping) or _is_records(said)
    tables = [said] if one else list(said)
    with TemporaryDirectory(prefix="manifest-tools-") as folder:
        made = AsFiles(None)
        given = []
        for number, table in enumerate(tables, 1):
            if isinstance(table, str | Path):
                given.append(table)
                continue
            called = name if len(tables) == 1 else f"{name} {number}"
            path = _write(table, Path(folder) / f"{number}")
            made.names[str(path)] = called
            given.append(path)
        made.given = given[0] if one else given
        try:
            yield made
        except InputError as error:
            raise InputError(made.text(str(error))) from error


def _is_records(said: Any) -> bool:
    return (
        isinstance(said, Sequence) and bool(said) and all(isinstance(item, Mapping | tuple) for item in said)
    )


def _write(table: Any, path: Path) -> Path:
    """Write one table as CSV, or as JSON Lines where its records are nested."""
    if isinstance(table, Mapping):
        table = [(image, value) for image, value in table.items()]
    if not isinstance(table, pd.DataFrame) and any(_is_nested(record) for record in table):
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in table)
        path = path.with_suffix(".jsonl")
        path.write_text("".join(lines), encoding="utf-8")
        return path
    frame = table if isinstance(table, pd.DataFrame) else _frame(table)
    if frame.index.name:
        frame = frame.reset_index()
    path = path.with_suffix(".csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = ([_cell(value) for value in row] for row in frame.itertuples(index=False, name=None))
        write_csv(file, [[str(column) for column in frame.columns], *rows])
    return path


def _is_nested(record: Any) -> bool:
    """Whether a record holds objects, as answers of the service do."""
    values = record.values() if isinstance(record, Mapping) else ()
    return any(
        isinstance(value, Mapping)
        or (isinstance(value, list) and any(isinstance(item, Mapping) for item in value))
        for value in values
    )


def _frame(records: Sequence[Any]) -> pd.DataFrame:
    if all(isinstance(record, Mapping) for record in records):
        return pd.DataFrame(list(records))
    widest = max(len(record) for record in records)
    return pd.DataFrame(list(records), columns=["image", "label", "confidence"][:widest], dtype=object)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list | tuple | set | frozenset):
        return _BETWEEN.join(map(str, sorted(value) if isinstance(value, set | frozenset) else value))
    return "" if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 - not a number
