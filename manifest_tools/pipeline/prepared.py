"""What the main job made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.findings import Report


@dataclass(frozen=True)
class Prepared:
    """What the main job made. May also be unpacked: ``dataset, report = prepare(...)``.

    Parameters
    ----------
    dataset : Dataset
        Read, inspected, grouped and split.
    report : Report
        Whether it may be published, and what was found.
    paths : mapping of str to Path
        Where the results are, by name: ``train.manifest``, ``test.manifest`` (and ``test-2.manifest`` where there is
        another test set), ``report.html``, ``report.json``, ``findings.jsonl``, ``dataset`` (a folder).
    """

    dataset: Dataset
    report: Report
    paths: Mapping[str, Path]

    def __iter__(self) -> Iterator[Dataset | Report]:
        """Yield the data set and the report."""
        yield self.dataset
        yield self.report
