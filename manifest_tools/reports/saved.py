"""The report that an output folder holds, read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.core.json_text import parse_json
from manifest_tools.core.output_folder import REPORT_JSON
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.findings import Report
from manifest_tools.reports.summary import Answer, answer


def saved_answer(folder: Path) -> tuple[Report, Answer]:
    """Return the report of an output folder, and its verdict in words.

    Raises
    ------
    InputError
        There is no ``report.json``, or it is none of ours.
    """
    path = folder / REPORT_JSON
    try:
        report = Report.from_dict(parse_json(path.read_bytes(), path))
        return report, answer(report)
    except FileNotFoundError:
        msg = f"there is no {path}; 'manifest-tools prepare' writes it"
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
    except (InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        msg = f"{path} is no report; run 'manifest-tools prepare' again"
    raise InputError(msg)


def tells_of(report: Report, dataset: Dataset) -> bool:
    """Whether a report was made of a data set, to which steps may have been added since; if it tells its history."""
    made: Any = report.facts.get("made")
    history = made.get("history") if isinstance(made, dict) else None
    if not isinstance(history, list):
        return True
    steps = [(entry["step"], entry["fingerprint"]) for entry in dataset.history[: len(history)]]
    return steps == [
        (entry.get("step"), entry.get("fingerprint")) for entry in history if isinstance(entry, dict)
    ]
