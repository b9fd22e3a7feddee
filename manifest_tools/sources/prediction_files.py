"""Files of what a model said: manifests, tables, and the service's own answers in any wrapper, one file or a folder."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from manifest_tools.core.errors import InputError
from manifest_tools.core.percent import read_percent
from manifest_tools.dataset.ground_truth import PREDICTIONS
from manifest_tools.manifests.kinds import PREDICTION, SOURCE_REF
from manifest_tools.manifests.reading import read_predictions
from manifest_tools.sources.folders import files_below
from manifest_tools.sources.formats.arrow_rows import TEXT, WORD, ArrowRows
from manifest_tools.sources.formats.csv_rows import cells_of, read_csv
from manifest_tools.sources.formats.json_files import shown, text
from manifest_tools.sources.formats.records import columns_of
from manifest_tools.sources.formats.tables import (
    IMAGE_NAMES,
    LABEL_NAMES,
    Record,
    find_column,
    json_records,
)
from manifest_tools.sources.formats.text_files import read_text
from manifest_tools.sources.model_answers import AnswerReader, ModelAnswer, holds_model_answer

ASKED = {"image": TEXT, "predicted": WORD, "content_types": WORD}
ROW = {
    "image": TEXT,
    "label": WORD,
    "score": pa.float64(),
    "line": pa.int64(),
    "file": WORD,
    "signed": pa.bool_(),  # with a per cent sign
}
UNNAMED_MODEL = "unknown"  # a table need not say which model version it asked
_CONFIDENCE_NAMES = ("confidence", "score", "probability")
_MODEL_NAMES = ("model_version", "moderation_model_version", "moderationmodelversion", "model")
_THEIR_LABEL = ("name", "label_name")  # where the table also has the other members of the service's labels
_THEIR_MEMBERS = ("parentname", "parent_name", "taxonomylevel", "taxonomy_level")
_OPENS = frozenset("[{")  # with one of these begins a list or an object
_ENDINGS = (".json", ".jsonl", ".ndjson", ".manifest", ".gz")
_EXPECTED = (
    "expected the output of a bulk analysis, the answers of DetectModerationLabels (JSON, one file or a file for "
    "each image), or a table with the columns image, label and confidence"
)


@dataclass
class Predictions:
    """What the files of one source say; the columns of `asked` and `rows` are those of :data:`ASKED` and :data:`ROW`.

    `asked`: the images that the model was asked about, its version, and the content types that its answer tells, as a
    cell; of several rows about one image the last counts. `manifests`: the tables of images and labels of manifests, which tell more. `respelled`: scores of which a per cent sign or a decimal comma was undone.
    `unread`: records, and files of a folder, without an answer.
    """

    asked: ArrowRows = field(default_factory=lambda: ArrowRows(ASKED))
    rows: ArrowRows = field(default_factory=lambda: ArrowRows(ROW))
    manifests: list[tuple[pd.DataFrame, pd.DataFrame]] = field(default_factory=list)
    respelled: int = 0
    unread: int = 0
    _answers: dict[str, ModelAnswer] = field(default_factory=dict)

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the tables of images and labels; the confidence that was asked for is NaN where no file tells it."""
        asked = self.asked.frame()
        place, names = pd.factorize(asked["image"])
        last = np.empty(len(names), dtype=np.int64)
        last[place] = np.arange(len(place))  # of several, the last one stays
        images = asked.take(last).reset_index(drop=True).assign(min_confidence=math.nan)
        labels = self.rows.frame()
        parts = [(images, labels), *self.manifests]
        filled = [part for part in parts if len(part[0])] or parts[:1]
        tables = [pd.concat(tables, ignore_index=True) for tables in zip(*filled, strict=True)]
        return tables[0], tables[1].assign(source=PREDICTIONS)

    def add(self, answer: ModelAnswer, file: str) -> None:
        """Note one answer of the service; the same answer once more says nothing new."""
        before = self._answers.setdefault(answer.image, answer)
        if before is not answer:
            if before[1:3] == answer[1:3]:
                return
            msg = f"{file}: two different answers about {answer.image}; keep one"
            raise InputError(msg)
        self.asked.append((answer.image, answer.version or UNNAMED_MODEL, answer.types))
        by_line = answer.record.isdigit()
        place = f"{file}:{answer.record}" if by_line else file + answer.record
        for name, confidence in answer.scores:
            if not name:
                msg = f"{place}: a label without a name; expected Name and Confidence, as DetectModerationLabels answers"
                raise InputError(msg)
            self.say(answer.image, (name, confidence), place, file, int(answer.record) if by_line else None)

    def say(self, image: str, label: tuple[str, Any], place: str, file: str, line: int | None) -> None:
        """Note one label and its confidence, a number or how somebody wrote it."""
        name, confidence = label
        written = repr(confidence) if isinstance(confidence, float) else text(confidence)
        try:
            score = read_percent(written)
        except ValueError:
            msg = f"{place}: confidence is {shown(confidence)}; expected a number from 0 to 100"
            raise InputError(msg) from None
        self.respelled += "%" in written or "," in written
        self.rows.append((image, name, score, line, file, "%" in written))


def read_prediction_files(path: Path) -> Predictions:
    """Read a file, or every file of a folder, of what a model said.

    Parameters
    ----------
    path : Path
        A manifest, a table, or answers of the service; gzip is recognised. In a folder a file that holds one answer
        and names no image is about the image of its own name.

    Raises
    ------
    InputError
        There is no such file, or it holds no predictions.
    """
    said = Predictions()
    if path.is_dir():
        files = sorted(file for file in files_below(path) if file.suffix in _ENDINGS)
        for file in files:
            if not _read_json(file, said, _stem(file.relative_to(path).as_posix())):
                said.unread += 1
    elif not path.exists():
        msg = f"cannot read {path}: No such file or directory"
        raise InputError(msg)
    elif not _read_json(path, said, ""):
        _read_table(path, said)
    if not len(said.asked) and not said.manifests:
        msg = f"{path}: no prediction of the base model; {_EXPECTED}"
        raise InputError(msg)
    return said


def _stem(name: str) -> str:
    """Return what a file of one answer is called after: IMG_1.jpg.json is about IMG_1.jpg."""
    for ending in (".gz", *_ENDINGS):
        name = name.removesuffix(ending)
    return name


def _read_json(path: Path, said: Predictions, stem: str) -> bool:
    """Read a file as JSON or JSON Lines; False when it is neither, or a file of a folder without answers."""
    content = read_text(path)
    if content.lstrip()[:1] not in ("{", "["):
        return False
    if f'"{PREDICTION}' in content and f'"{SOURCE_REF}"' in content:
        _read_manifest(path, said)
        return True
    values = list(_values(content, path))
    if any(holds_model_answer(value) for _, value in values):
        _read_answers(values, path, said, stem)
        return True
    return not stem and _read_records(_flat(values), path, said)


def _read_answers(values: Iterable[tuple[str, Any]], path: Path, said: Predictions, stem: str) -> None:
    reader = AnswerReader(str(path), stem)
    answers = [answer for place, value in values for answer in reader.read(value, place)]
    for answer in [*answers, *reader.finish()]:
        said.add(answer, str(path))
    said.unread += reader.unread


def _values(content: str, path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the whole document, or the value of each line with its number."""
    try:
        yield "", orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    else:
        return
    for line, value in json_records(content, path):
        yield str(line), value


def _read_manifest(path: Path, said: Predictions) -> None:
    dataset = read_predictions(path, min_confidence=math.nan)
    labels = dataset.labels[["image", "label", "score", "line"]].assign(file=str(path), signed=False)
    said.manifests.append((dataset.images[["image", "predicted", "min_confidence", "content_types"]], labels))


def _read_table(path: Path, said: Predictions) -> bool:
    """Read a CSV; a cell may hold an answer as JSON, as when answers are put into a table as they are."""
    records = read_csv(path)
    if any(cell[:1] in _OPENS for _, *cells in cells_of(records, *records.names) for cell in cells):
        parsed = [
            (str(line), {name: _parsed(cell) for name, cell in cells.items()}) for line, cells in records
        ]
        if any(holds_model_answer(cells) for _, cells in parsed):
            _read_answers(parsed, path, said, "")
            return True
    return _read_records(records, path, said)


def _parsed(cell: str) -> Any:
    """Return the list or object that a cell holds, as JSON or in Python's spelling; else the cell."""
    if cell[:1] not in _OPENS:
        return cell
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        pass
    try:
        return ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return cell


def _flat(values: Sequence[tuple[str, Any]]) -> list[Record]:
    """Return the objects of JSON Lines or of a list, as the rows of a table."""
    if len(values) == 1 and isinstance(values[0][1], list):
        values = [(str(number), value) for number, value in enumerate(values[0][1], start=1)]
    return [Record(int(place or 1), value) for place, value in values if isinstance(value, dict)]


def _read_records(records: Sequence[Record], path: Path, said: Predictions) -> bool:
    """Read rows of image, label and confidence; an image with an empty label was asked, and nothing was reported."""
    columns = columns_of(records)
    image, label, score, model = _columns(columns)
    if image is None or label is None or score is None:
        found = ", ".join(map(repr, columns)) or "no rows"
        msg = f"{path}: predictions need the columns image, label and confidence; found {found}. {_EXPECTED}"
        raise InputError(msg)
    file = str(path)
    for line, *cells, confidence in cells_of(records, image, label, model or "", score):
        key, name, version = map(text, cells)
        said.asked.append((key, version or UNNAMED_MODEL, ""))
        if name:
            said.say(key, (name, confidence), f"{file}:{line}", file, line)
    return True


def _columns(columns: Sequence[str]) -> tuple[str | None, str | None, str | None, str | None]:
    """Return the columns of image, label, confidence and model; of a flattened answer the last part of a name counts."""
    short = {column.rpartition(".")[2]: column for column in columns}
    ends = list(short)
    labels = (*LABEL_NAMES, *_THEIR_LABEL) if find_column(ends, _THEIR_MEMBERS) else LABEL_NAMES
    image = find_column(columns, IMAGE_NAMES) or short.get(find_column(ends, IMAGE_NAMES) or "")
    label = short.get(find_column([end for end in ends if short[end] != image], labels) or "")
    score, model = (short.get(find_column(ends, names) or "") for names in (_CONFIDENCE_NAMES, _MODEL_NAMES))
    return image, label, score, model
