"""What people give as labels and groups, in the types of many libraries, as plain arrays; or one sentence why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from manifest_tools.core.errors import InputError

_BINARIZE = "y holds lists of labels; expected a matrix of zeros and ones: give MultiLabelBinarizer().fit_transform(y)"
_SHOWN = 3


def plain_labels(y: Any) -> Any:
    """Return labels as a sparse array, a numeric matrix or a vector of classes.

    Parameters
    ----------
    y : array, table or sparse array
        Of NumPy, pandas (nullable and Arrow types too), pyarrow, polars or SciPy; or nested lists. A matrix of one
        column that is not of zeros and ones is a vector of classes.

    Raises
    ------
    InputError
        It holds missing values, lists of labels, or text in a matrix.
    """
    if sparse.issparse(y):
        return y
    array = _array(y, "y")
    if array.ndim == 1 and any(
        isinstance(item, list | tuple | set | frozenset | np.ndarray) for item in array.flat
    ):
        raise InputError(_BINARIZE)
    _refuse_missing(array, "y")
    if array.ndim != 2:
        return array
    if array.dtype.kind == "O":
        array = _numbers(array)
    if array.shape[1] == 1 and (array.dtype.kind not in "buif" or not np.isin(array, (0, 1)).all()):
        return array[:, 0]
    if array.dtype.kind not in "buif":
        raise InputError(_BINARIZE)
    return array


def plain_groups(groups: Any) -> NDArray[Any]:
    """Return groups as a vector of names of one kind.

    Parameters
    ----------
    groups : array or table
        As in :func:`plain_labels`; a matrix of one column is a vector.

    Raises
    ------
    InputError
        A group is missing, or names are of several kinds.
    """
    array = _array(groups, "groups")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    _refuse_missing(array, "groups")
    if array.dtype.kind == "O":
        kinds = {_kind(item) for item in array.flat}
        if len(kinds) > 1:
            msg = f"groups must be names of one kind, all text or all numbers; found {' and '.join(sorted(kinds))}"
            raise InputError(msg)
        if kinds == {"numbers"}:
            array = _numbers(array)
    return array


def _array(value: Any, name: str) -> NDArray[Any]:
    """Return any library's array or table as NumPy's, with None or NaN where it has a missing value."""
    if hasattr(value, "to_pandas"):  # pyarrow, polars
        value = value.to_pandas()
    if hasattr(value, "to_numpy"):
        return _from_pandas(value)
    try:
        return np.asarray(value)
    except ValueError:
        if name == "y":
            raise InputError(_BINARIZE) from None
        raise InputError(f"{name} must hold one name for each row; got lists of several lengths") from None


def _from_pandas(value: Any) -> NDArray[Any]:
    import pandas as pd  # noqa: PLC0415 - only who gives a table needs it

    frame = value.to_frame() if isinstance(value, pd.Series) else pd.DataFrame(value)
    columns = [_column(frame.iloc[:, number]) for number in range(frame.shape[1])]
    if isinstance(value, pd.DataFrame):
        array = np.column_stack(columns) if columns else np.zeros(frame.shape)
        return array if array.dtype.kind != "U" else frame.to_numpy(object)
    return columns[0]


def _column(column: Any) -> NDArray[Any]:
    """Return one column; a number or a truth value, however it is kept, as a number."""
    import pandas as pd  # noqa: PLC0415

    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        if column.isna().any():
            return np.asarray(column.to_numpy("float64", na_value=np.nan))
        integer = pd.api.types.is_integer_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)
        return np.asarray(column.to_numpy("int64" if integer else "float64"))
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return np.asarray(column.astype(str).where(column.notna(), None).to_numpy(object))
    return np.asarray(column.to_numpy(object))


def _refuse_missing(array: NDArray[Any], name: str) -> None:
    """Refuse None, NaN, NA and NaT, naming the first rows."""
    if array.dtype.kind in "fc":
        missing = np.isnan(array)
    elif array.dtype.kind in "mM":
        missing = np.isnat(array)
    elif array.dtype.kind == "O":
        import pandas as pd  # noqa: PLC0415 - it knows every library's word for missing

        missing = np.asarray(pd.isna(array))
    else:
        return
    rows = np.flatnonzero(missing if missing.ndim == 1 else missing.any(axis=tuple(range(1, missing.ndim))))
    if len(rows):
        shown = ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
        what = "label" if name == "y" else "group"
        msg = f"{name} has no value in {len(rows)} of {len(array)} rows ({shown}); leave out rows without a {what}"
        raise InputError(msg)


def _numbers(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of Python's numbers as NumPy's; one that holds anything else as it is."""
    if all(_kind(item) == "numbers" for item in array.flat):
        whole: Sequence[bool] = [float(item).is_integer() for item in array.flat]
        return array.astype(np.int64 if all(whole) else np.float64)
    return array


def _kind(item: Any) -> str:
    if isinstance(item, bool | int | float | np.number | np.bool_):
        return "numbers"
    return "text" if isinstance(item, str) else type(item).__name__
