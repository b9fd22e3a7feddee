"""Collecting findings on the way to a report: exact counts, and a bounded number of each code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from manifest_tools.findings.findings import (
    MAX_FINDINGS,
    CodeCount,
    Finding,
    LazyFindings,
    Report,
    Severity,
    sort_key,
)


def _zeros() -> list[int]:
    return [0, 0]


class FindingCollector:
    """Collects findings with exact counts, keeping at most `limit` of each code and severity.

    Parameters
    ----------
    limit : int
        How many findings of each code and severity to keep: the first ones that arrive, so feed them in
        a stable order.
    severities : mapping of str to Severity, optional
        Severities that the user's policy sets for codes.
    kept_before : mapping of (str, Severity) to int, optional
        How many findings of each code and severity another collector keeps already, into which this one will be
        merged: they take their room here.
    """

    def __init__(
        self,
        limit: int = MAX_FINDINGS,
        severities: Mapping[str, Severity] | None = None,
        *,
        kept_before: Mapping[tuple[str, Severity], int] | None = None,
    ) -> None:
        self._limit = limit
        self._severities = dict(severities or {})
        self._before = dict(kept_before or {})
        self._kept: defaultdict[tuple[str, Severity], list[Finding]] = defaultdict(list)
        self._counts: defaultdict[tuple[str, Severity], list[int]] = defaultdict(_zeros)

    def add(self, finding: Finding) -> None:
        """Count one finding and keep it while there is room for its code."""
        severity = self._severities.get(finding.code, finding.severity)
        key = (finding.code, severity)
        count = self._counts[key]
        count[0] += 1
        count[1] += finding.left_out
        if self._room(key) > 0:
            if severity is not finding.severity:
                finding = Finding(
                    finding.code, severity, finding.location, finding.message, finding.fix, finding.data
                )
            self._kept[key].append(finding)

    def extend(self, findings: Iterable[Finding | LazyFindings]) -> None:
        """Add several findings, in their order."""
        for finding in findings:
            if isinstance(finding, LazyFindings):
                self._add_lazily(finding)
            else:
                self.add(finding)

    def _add_lazily(self, lazy_findings: LazyFindings) -> None:
        count = len(lazy_findings.left_out)
        made = min(count, max(0, self.room(lazy_findings.code, lazy_findings.severity)))
        if made:
            for finding in lazy_findings.make(made):
                self.add(finding)
        self.count_only(
            lazy_findings.code, lazy_findings.severity, count - made, int(lazy_findings.left_out[made:].sum())
        )

    def merge(self, later: FindingCollector) -> None:
        """Add what another collector with the same limit and severities found after this one."""
        for key, (count, left_out) in later._counts.items():
            own = self._counts[key]
            own[0] += count
            own[1] += left_out
        for key, found in later._kept.items():
            self._kept[key] += found[: max(0, self._room(key))]

    @property
    def kept(self) -> dict[tuple[str, Severity], int]:
        """How many findings of each code and severity are kept."""
        return {key: len(found) for key, found in self._kept.items()}

    def count_only(self, code: str, severity: Severity, count: int, left_out: int = 0) -> None:
        """Count findings that nobody will look at one by one, without making them."""
        total = self._counts[code, self._severities.get(code, severity)]
        total[0] += count
        total[1] += left_out

    def room(self, code: str, severity: Severity) -> int:
        """How many more findings of this code would be kept."""
        return self._room((code, self._severities.get(code, severity)))

    def _room(self, key: tuple[str, Severity]) -> int:
        return self._limit - self._before.get(key, 0) - len(self._kept[key])

    def __iter__(self) -> Iterator[Finding]:
        """Iterate over the kept findings, sorted."""
        return iter(sorted((f for kept in self._kept.values() for f in kept), key=sort_key))

    def report(
        self,
        *,
        fail_on: str = "error",
        labels: Iterable[Mapping[str, Any]] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> Report:
        """Close the collection.

        Parameters
        ----------
        fail_on : {"error", "warning", "note", "never"}
            The least severity that makes the report fail. Findings about left-out images never do.
        labels, facts
            As in :class:`Report`.
        """
        codes = [
            CodeCount(code, severity, count, left_out)
            for (code, severity), (count, left_out) in self._counts.items()
            if count
        ]
        codes.sort(key=lambda c: (c.severity.rank, c.code))
        limit = -1 if fail_on == "never" else Severity(fail_on).rank
        passed = all(c.severity.rank > limit or c.count == c.left_out for c in codes)
        return Report(passed, tuple(self), tuple(codes), tuple(labels), dict(facts or {}))
