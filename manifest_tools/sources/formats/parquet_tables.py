"""Parquet: tables of labels, and Hugging Face data sets with the images inside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from manifest_tools.core.content_type import SUFFIXES, sniff
from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.core.files import replacing
from manifest_tools.sources.folders import files_below
from manifest_tools.sources.formats.class_names import card_class_names, named, schema_class_names
from manifest_tools.sources.formats.tables import IMAGE_NAMES, Record

_MAGIC = b"PAR1"
_ROWS = 64  # with images, read at a time
_LONGEST_NAME = 200  # bytes of a file's name that we take over


def is_parquet(path: str | Path) -> bool:
    """Whether a file begins as Parquet does."""
    try:
        with Path(path).open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def parquet_files(place: str | Path) -> list[Path]:
    """Return a Parquet file, or those of a folder at any depth, that hold images; none for anything else."""
    place = Path(place)
    files = sorted(files_below(place, ".parquet")) if place.is_dir() else [place]
    return [file for file in files if is_parquet(file) and _image_column(_open(file).schema_arrow)]


def parquet_columns(path: str | Path) -> list[str]:
    """Return the names of a Parquet file's columns."""
    return [str(name) for name in _open(path).schema_arrow.names]


def parquet_records(path: str | Path) -> list[Record]:
    """Return the rows of a Parquet file; class numbers become the names that its schema or the card gives them.

    An image that is inside stands under its column's name, or "image", with the name that
    :func:`unpack_images` gives it.

    Raises
    ------
    InputError
        The file is broken.
    """
    import pyarrow as pa  # noqa: PLC0415 - slow to import, and only for these files

    file = _open(path)
    schema = file.schema_arrow
    names = schema_class_names(schema.metadata or {}) or card_class_names(Path(path).parent)
    inside = _image_column(schema)
    plain = [
        field.name
        for field in schema
        if field.name != inside
        and not field.name.startswith("__index_level_")
        and not (pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type))
    ]
    try:
        table = file.read(columns=plain)
        columns = [_values(column) for column in table.columns]
        rows = [dict(zip(plain, row, strict=True)) for row in zip(*columns, strict=True)]
        rows = rows if plain else [{} for _ in range(file.metadata.num_rows)]
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _broken(path, error) from error
    if inside:
        column = inside if inside in IMAGE_NAMES else "image"
        rows = [
            {column: name} | row for row, (name, _) in zip(rows, _images(path, file, inside), strict=True)
        ]
    return [
        Record(number, {key: named(value, names.get(key)) for key, value in row.items()})
        for number, row in enumerate(rows, start=1)
    ]


def _values(column: Any) -> list[Any]:
    """Return the values of a column; a text in the place of dates that Python's calendar does not have."""
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):
        values = [_value(scalar) for scalar in column]
    return values


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        return f"beyond the calendar: {getattr(scalar, 'value', 'dates')}"


def unpack_images(files: Sequence[Path], folder: Path) -> set[str]:
    """Write the images inside Parquet files into a folder, each once: what is there already, byte for byte, stays.

    Parameters
    ----------
    files : sequence of Path
        As :func:`parquet_files` returns them.
    folder : Path
        Where the images go; with several files, each gets a folder of its own name in it.

    Returns
    -------
    set of str
        The paths of the images in the folder.

    Raises
    ------
    InputError
        A file is broken.
    OutputError
        The folder cannot be written.
    """
    written = set()
    for path in files:
        file = _open(path)
        for name, content in _images(path, file, _image_column(file.schema_arrow)):
            if content is not None:
                place = f"{path.stem}/{name}" if len(files) > 1 else name
                _keep(content, folder / place)
                written.add(place)
    return written


def _keep(content: bytes, path: Path) -> None:
    try:
        if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}; free space or choose another folder"
        raise OutputError(msg) from error


def _images(path: str | Path, file: Any, column: str) -> Iterator[tuple[str, bytes | None]]:
    """Give name and content of each row's image, in order; names are distinct. None where the content lies elsewhere."""
    import pyarrow as pa  # noqa: PLC0415

    seen: set[str] = set()
    number = 0
    try:
        for batch in file.iter_batches(batch_size=_ROWS, columns=[column]):
            for value in batch.column(0).to_pylist():
                content = value.get("bytes") if isinstance(value, dict) else value
                name = _safe_name(value.get("path") if isinstance(value, dict) else None)
                if not name:
                    ending = SUFFIXES.get(sniff(content[:512]).format, ("",))[0] if content else ""
                    name = f"{number:06d}{ending}"
                if name in seen:
                    at = PurePosixPath(name)
                    name = str(at.with_name(f"{at.stem}-{number:06d}{at.suffix}"))
                seen.add(name)
                number += 1
                yield name, content
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _broken(path, error) from error


def _safe_name(path: object) -> str:
    """Return the relative path that a data set gives an image; "" where there is none that can be a file's."""
    if not isinstance(path, str) or "\0" in path:
        return ""
    parts = [part for part in re.split(r"[\\/]", path.rpartition("://")[2]) if part not in ("", ".", "..")]
    fits = all(len(part.encode("utf-8", "replace")) <= _LONGEST_NAME for part in parts)
    return "/".join(parts) if parts and fits and not parts[-1].startswith(".") else ""


def _open(path: str | Path) -> Any:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _broken(path, error) from error


def _broken(path: str | Path, error: Exception) -> InputError:
    return InputError(f"{path}: a Parquet file that cannot be read: {str(error).splitlines()[0]}")


def _image_column(schema: Any) -> str:
    """Return the column with images inside: a struct of bytes and path, or bytes by the name of an image; or ""."""
    import pyarrow as pa  # noqa: PLC0415

    for field in schema:
        if pa.types.is_struct(field.type) and {part.name for part in field.type} >= {"bytes", "path"}:
            return str(field.name)
    for field in schema:
        binary = pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)
        if binary and field.name.casefold() in IMAGE_NAMES:
            return str(field.name)
    return ""
