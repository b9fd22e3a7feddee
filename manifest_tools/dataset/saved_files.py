"""The files of a saved data set, read as input that anybody may have changed: one gate for the document and the tables.

Column names, types, nulls, uniqueness and sizes are checked before a value is used. What pandas wrote into the files
about itself is ignored.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifest_tools.core.commit import recover
from manifest_tools.core.errors import InputError
from manifest_tools.core.json_text import parse_json
from manifest_tools.core.resources import validate_document

FORMAT: Final = 1  # of dataset.json; a reader refuses a newer one
MAX_DOCUMENT: Final = 256 << 20  # bytes of dataset.json
MAX_TEXT: Final = 16 << 20  # bytes of one cell
_SMALL: Final = 10 << 20  # bytes of a table up to which it may be one that was made to hide far more
_ROWS_PER_BYTE: Final = 4  # of a table: every image has a key of its own
_ARROW: Final = {
    "str": pa.large_string(),
    "int64": pa.int64(),
    "int32": pa.int32(),
    "int8": pa.int8(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "boolean": pa.bool_(),
    "Int64": pa.int64(),
}
_NULLABLE: Final = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
_CHOICES: Final = {"split": ("", "train", "test"), "judged": ("", "all", "scope")}


def see_dataset(folder: str | Path) -> Path:
    """Return where the files of a saved data set are, those of a killed run put in place first.

    Raises
    ------
    InputError
        The folder holds no data set.
    """
    recover(folder)
    place = Path(folder) / "dataset"
    if not (place / "dataset.json").is_file():
        msg = f"{folder} holds no data set (no dataset/dataset.json); 'manifest-tools prepare' makes one"
        raise InputError(msg)
    return place


@contextmanager
def readable(place: Path) -> Iterator[None]:
    """Say of a saved data set what kept it from being read.

    Raises
    ------
    InputError
        The block met a file that is missing or broken.
    """
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError, pa.ArrowException) as error:
        what = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        msg = f"{place} cannot be read: {what}; run 'manifest-tools prepare' with --fresh to make it anew"
        raise InputError(msg) from error


def read_document(place: Path) -> dict[str, Any]:
    """Return ``dataset.json``, checked against its schema.

    Raises
    ------
    InputError
        It is missing, broken, or of a newer library.
    """
    path = place / "dataset.json"
    with readable(place):
        size = path.stat().st_size
        if size > MAX_DOCUMENT:
            msg = f"{path.name} has {size:,} bytes; at most {MAX_DOCUMENT:,} are read"
            raise ValueError(msg)
        document = parse_json(path.read_bytes(), path.name)
        if (
            isinstance(document, dict)
            and isinstance(document.get("format"), int)
            and document["format"] > FORMAT
        ):
            version = document.get("version", "")
            msg = f"{place} was written by manifest_tools {str(version)[:40]}; upgrade to read it"
            raise _NewerError(msg)
        problem = validate_document(document, "dataset.schema.json")
        if problem:
            msg = f"{path.name} {problem}"
            raise ValueError(msg)
        checked: dict[str, Any] = document
        return checked


class _NewerError(InputError):
    """The data set was written by a newer library."""


def read_table(
    file: Path | bytes,
    columns: Mapping[str, tuple[str, Any]],
    key: Sequence[str],
    *,
    unique: bool,
    name: str = "",
    kept: bool = True,
) -> pd.DataFrame:
    """Return a saved table whole, its columns of the types that they should have.

    Parameters
    ----------
    file : Path or bytes
        The Parquet file, or its content.
    columns : mapping of str to (str, object)
        The columns that are known: pandas dtype, and the value where nothing is known.
    key : sequence of str
        The columns that no row is without.
    unique : bool
        Whether the key stands in one row only.
    name : str
        What a content is called.
    kept : bool
        Whether columns that are not known are read too.

    Raises
    ------
    ValueError
        The table is not what it should be; also as the errors of Arrow.
    """
    name = file.name if isinstance(file, Path) else name
    with open_table(file, key, name) as opened:
        wanted = None if kept else [column for column in opened.schema_arrow.names if column in columns]
        table = typed_arrow(opened.read(wanted), columns, key, name)
    if unique:
        values = table[key[0]]
        if pc.count_distinct(values).as_py() != len(values):
            repeated = Counter(values.to_pylist()).most_common(1)[0][0]
            msg = f"{name}: several rows have the {key[0]} {repeated[:100]!r}"
            raise ValueError(msg)
    return frame_of(table, columns)


def frame_of(table: pa.Table, columns: Mapping[str, tuple[str, Any]]) -> pd.DataFrame:
    """Return a table that :func:`typed_arrow` typed in pandas; kept columns may lack values whatever they hold."""
    kept = [name for name in table.schema.names if name not in columns]
    frame: pd.DataFrame = table.drop_columns(kept).to_pandas()
    for name in kept:
        frame[name] = table[name].to_pandas(types_mapper=_NULLABLE.get)
    return frame


def open_table(file: Path | bytes, key: Sequence[str], name: str = "") -> pq.ParquetFile:
    """Open a saved table after a look at its columns and at how much it will be in memory.

    Raises
    ------
    ValueError
        The table is not what it should be; also as the errors of Arrow.
    """
    name = file.name if isinstance(file, Path) else name
    size = file.stat().st_size if isinstance(file, Path) else len(file)
    opened = pq.ParquetFile(_opened(file))
    try:
        _see_shape(opened, name, size, key)
        if size < _SMALL:
            texts = [field.name for field in opened.schema_arrow if _is_text(field.type)]
            with pq.ParquetFile(_opened(file), read_dictionary=texts) as packed:
                _see_texts(packed, name, texts)
    except BaseException:
        opened.close()
        raise
    return opened


def _opened(file: Path | bytes) -> Path | pa.BufferReader:
    return file if isinstance(file, Path) else pa.BufferReader(file)


def _see_shape(file: pq.ParquetFile, name: str, size: int, key: Sequence[str]) -> None:
    names, rows = file.schema_arrow.names, file.metadata.num_rows
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        msg = f"{name}: several columns are called {repeated[0][:100]!r}"
        raise ValueError(msg)
    missing = [name for name in key if name not in names]
    if missing:
        msg = f"{name}: there is no column {missing[0]!r}"
        raise ValueError(msg)
    if rows > _ROWS_PER_BYTE * size:
        msg = f"{name}: {rows:,} rows in {size:,} bytes are no table of ours"
        raise ValueError(msg)


def _see_texts(packed: pq.ParquetFile, name: str, texts: Sequence[str]) -> None:
    """Refuse texts that a few bytes of a file make large: they are counted while they are still packed."""
    room = _memory() // 4
    for batch in packed.iter_batches(columns=list(texts)):
        for text, column in zip(batch.schema.names, batch.columns, strict=True):
            if not pa.types.is_dictionary(column.type) or not len(column.dictionary):
                continue
            sizes = pc.binary_length(column.dictionary)
            longest = pc.max(sizes).as_py() or 0
            room -= (pc.sum(pc.take(sizes, column.indices)).as_py() or 0) if longest > 1000 else 0
            if longest > MAX_TEXT or room < 0:
                msg = f"{name}: column {text!r} holds texts of {longest:,} bytes"
                raise ValueError(msg)


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not told on this system
        return 16 << 30


def typed_arrow(
    table: pa.Table, columns: Mapping[str, tuple[str, Any]], key: Sequence[str], name: str
) -> pa.Table:
    """Return a table without pandas' remarks, its known columns cast to their types, after a check of their values.

    Raises
    ------
    ValueError
        A column has another type, a key is null, or a value is none of those that there are.
    """
    table = table.replace_schema_metadata(None)
    for place, column in enumerate(table.schema.names):
        if column not in columns:
            table = table.set_column(place, column, _kept_column(table[column], column, name))
            continue
        wanted = _ARROW[columns[column][0]]
        found = table.schema.field(place).type
        if not _alike(found, wanted):
            msg = f"{name}: column {column!r} is {str(found)[:60]}; expected {wanted}"
            raise ValueError(msg)
        table = table.set_column(place, column, table[column].cast(wanted))
        if column in key and table[column].null_count:
            msg = f"{name}: column {column!r} is empty in {table[column].null_count:,} rows"
            raise ValueError(msg)
        if column in _CHOICES:
            others = pc.unique(table[column]).drop_null().to_pylist()
            strange = sorted(set(others) - set(_CHOICES[column]))
            if strange:
                msg = f"{name}: column {column!r} holds {strange[0][:60]!r}; expected {' or '.join(_CHOICES[column][1:])}"
                raise ValueError(msg)
    return table


def _kept_column(values: pa.ChunkedArray, column: str, name: str) -> pa.ChunkedArray:
    """Return a column that somebody asked to keep in the one type of its kind."""
    for wanted in (pa.large_string(), pa.bool_(), pa.int64(), pa.float64()):
        if _alike(values.type, wanted):
            values = values.cast(wanted)
            return pc.fill_null(values, "") if wanted == pa.large_string() else values
    msg = f"{name}: column {column!r} is {str(values.type)[:60]}; expected text, numbers, or true and false"
    raise ValueError(msg)


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)
    )


def _alike(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a type is the wanted one in another width, or a column without any value."""
    if pa.types.is_dictionary(found):
        found = found.value_type
    kinds = (
        _is_text,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
    )
    if pa.types.is_null(found) or (pa.types.is_floating(wanted) and pa.types.is_integer(found)):
        return True
    return any(kind(found) and kind(wanted) for kind in kinds)
