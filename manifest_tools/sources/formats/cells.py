"""What one cell says: labels in any of the ways in which people put them there, a truth, or nothing."""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import VERSIONS, Taxonomy
from manifest_tools.core.text import is_missing

_SEPARATOR = re.compile(r"[;|]")  # between labels in one cell; no label's name holds one
_LOOSE_SEPARATOR = re.compile(r"[,\n\r+/>]")  # taken for one only where all the parts are labels
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#x[0-9a-f]{1,5});", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_TRUE = frozenset({"1", "1.0", "true", "yes", "y", "t"})
_FALSE = frozenset({"0", "0.0", "false", "no", "n", "f"})
_NAME_KEYS = ("name", "label", "category", "class", "tag", "title")
_SCORE_KEYS = frozenset({"confidence", "score", "probability", "prob"})
_LONGEST_NESTED = 10_000  # characters of a cell that is looked into; no list of labels is longer


def visible(text: str) -> str:
    """Return text without the characters that nobody sees, with ``&amp;`` and its kin undone, and without outer space.

    >>> visible("\u200bDrugs &amp; Tobacco ")
    'Drugs & Tobacco'
    """
    if text.isascii() and "&" not in text:
        return text.strip()
    return _ENTITY.sub(lambda match: html.unescape(match[0]), _INVISIBLE.sub("", text)).strip()


def cell_text(value: Any) -> str:
    """Return a cell as text; "" where there is none."""
    return "" if value is None else str(value)


def split_labels(cell: Any) -> list[str]:
    """Return the labels in one cell: a list, or text split at ";" and "|". Empty ones are dropped.

    Commas, line feeds, "+", "/" and ">" separate only where every part is a label: names of one's own may hold them.
    """
    parts = cell if isinstance(cell, list) else _SEPARATOR.split(visible(cell_text(cell)))
    names = (visible(cell_text(part)) for part in parts)
    return [name for found in names if found for name in _loose_parts(found)]


def truth_value(cell: Any) -> bool | None:
    """Return what a 0/1 cell says; None when it is empty, or holds a word for "missing". ValueError when it is neither."""
    text = visible(cell_text(cell)).casefold()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if is_missing(text):
        return None
    raise ValueError(text)


def label_statements(cell: Any, place: str) -> list[tuple[str, bool | None]]:
    """Return what a cell says of labels: names are present; an object says it of each by 0 and 1.

    A list or an object may be one of JSON, or its text, as spreadsheets and pandas write it.

    Raises
    ------
    InputError
        The cell holds a model's scores, or is nested in a way that cannot be told; `place` begins the message.
    """
    value = _nested(cell)
    if isinstance(value, dict):
        return list(_by_name(value, place))
    if isinstance(value, list):
        return [(name, True) for item in value for name in _item_names(item, place)]
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        raise InputError(
            f"{place} holds {_shown(value)}, which cannot be read; write the labels, split by ';'"
        )
    return [(name, True) for name in split_labels(value)]


def one_hot_width(cells: Iterable[Any]) -> int:
    """Return how long the lists of 0 and 1 in a column are; 0 where they may be class numbers, or something else.

    Lists of one length that repeat a number cannot be lists of class numbers.
    """
    lists = [value for value in cells if isinstance(value, list) and value]
    widths = {len(value) for value in lists}
    if len(widths) != 1 or widths == {1}:
        return 0
    if any(item not in (0, 1) or isinstance(item, str) for value in lists for item in value):
        return 0
    return widths.pop() if any(len(set(value)) < len(value) for value in lists) else 0


@lru_cache(maxsize=4096)
def is_label(name: str) -> bool:
    """Whether a name is a label of any taxonomy, in any capitals, or Safe."""
    taxonomies = map(Taxonomy.load, VERSIONS)
    return name.casefold() == "safe" or any(
        taxonomy.spellings(name) or name in taxonomy for taxonomy in taxonomies
    )


def _loose_parts(name: str) -> list[str]:
    if is_label(name):
        return [name]
    parts = [part for part in map(str.strip, _LOOSE_SEPARATOR.split(name)) if part]
    return parts if parts and all(map(is_label, parts)) else [name]


def _nested(cell: Any) -> Any:
    """Return the list or object that a cell's text spells in JSON or Python; any other cell as it is."""
    if isinstance(cell, (tuple, set, frozenset)):
        return sorted(cell, key=str) if isinstance(cell, (set, frozenset)) else list(cell)
    if not isinstance(cell, str):
        return cell
    text = visible(cell)
    if len(text) > _LONGEST_NESTED or (text[:1], text[-1:]) not in {("[", "]"), ("{", "}"), ("(", ")")}:
        return cell
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return cell
    return (
        _nested(value)
        if isinstance(value, (tuple, set, frozenset))
        else value
        if isinstance(value, (list, dict))
        else cell
    )


def _by_name(value: dict[Any, Any], place: str) -> Iterator[tuple[str, bool | None]]:
    for name, said in value.items():
        try:
            yield visible(str(name)), truth_value(said)
        except ValueError:
            raise InputError(
                f"{place}: {name!r} is {_shown(said)}; expected 1, 0, true or false for each label. Scores are a "
                "model's answers, not people's: give them to --predictions"
            ) from None


def _item_names(item: Any, place: str) -> list[str]:
    """Return the labels that one item of a list names: a name, a class number, or an object with a name."""
    if isinstance(item, dict):
        keys = {str(key).casefold(): key for key in item}
        if keys.keys() & _SCORE_KEYS:
            raise InputError(
                f"{place} holds names with confidences ({_shown(item)}): these are a model's answers, not people's; "
                "give the file to --predictions"
            )
        name = next((item[keys[key]] for key in _NAME_KEYS if key in keys), None)
        if isinstance(name, str):
            return split_labels(name)
    elif isinstance(item, str):
        return split_labels(item)
    elif isinstance(item, int) and not isinstance(item, bool):
        return [str(item)]
    elif item is None:
        return []
    raise InputError(f"{place} holds {_shown(item)}; expected names of labels")


def _shown(value: Any) -> str:
    whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return whole if len(whole) <= 60 else whole[:57] + "..."
