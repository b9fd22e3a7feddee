"""The report that an output folder holds, read back."""

from __future__ import annotations

import json
from pathlib import Path

from manifest_tools.core.errors import InputError
from manifest_tools.core.output_folder import REPORT_JSON
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
        report = Report.from_dict(json.loads(path.read_bytes()))
        return report, answer(report)
    except FileNotFoundError:
        msg = f"there is no {path}; 'manifest-tools prepare' writes it"
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        msg = f"{path} is no report; run 'manifest-tools prepare' again"
    raise InputError(msg)
