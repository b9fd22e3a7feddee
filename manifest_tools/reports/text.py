"""A report as text for a terminal: the answer first, then why, then what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from manifest_tools.core.text import counted, printable
from manifest_tools.findings.findings import Finding, Report, Severity
from manifest_tools.reports.advice import advice
from manifest_tools.reports.definitions import DEFINITIONS_TITLE, definitions
from manifest_tools.reports.people import (
    AGREEMENT_HEAD,
    PEOPLE_TITLE,
    REVIEWER_HEAD,
    agreement_rows,
    paradoxes,
    people_note,
    reviewer_rows,
)
from manifest_tools.reports.power import POWER_METHOD, POWER_TITLE, power_lines
from manifest_tools.reports.summary import (
    Group,
    answer,
    counts_in_words,
    groups,
    groups_in_words,
    images_in_words,
    left_out_reasons,
    outcome_counts,
    place,
    slice_cells,
    still_needed,
)

PLACES = 10  # of each code
_FEW = 3  # findings that say the same and still stand apart
DEFINED = 3  # labels whose meaning is told
_WIDTH = 100
_NARROWEST = 40
_STYLES = {
    "good": "1;32",
    "open": "1;33",
    "bad": "1;31",
    Severity.ERROR: "31",
    Severity.WARNING: "33",
    Severity.NOTE: "36",
    "head": "1",
    "quiet": "2",
}

Paint = Callable[[str, str], str]


def render_text(
    report: Report, *, width: int | None = None, color: bool = False, everything: bool = False
) -> str:
    """Return the report as text, without a line feed at its end.

    Parameters
    ----------
    report : Report
        Of any command.
    width : int, optional
        Columns to fill; 100 by default.
    color : bool
        Whether to add ANSI colours. Nothing is said by colour alone.
    everything : bool
        Show every place of every finding that the report keeps, else the first ones, those of one cause as one line.
    """
    columns = max(_NARROWEST, width or _WIDTH)
    paint: Paint = _colored if color else _plain
    sections = (
        _answer(report, columns, paint),
        _label_table(report, columns, paint),
        _slices(report, paint),
        _advice(report, columns, paint),
        _power(report, columns, paint),
        _definitions(report, columns, paint),
        _people(report, columns, paint),
        _findings(report, columns, paint, everything=everything),
        _left_out(report, columns, paint),
        _not_checked(report, columns, paint),
    )
    blocks = ["\n".join(lines) for lines in map(list, sections) if lines]
    return "\n\n".join(blocks)


def _answer(report: Report, columns: int, paint: Paint) -> Iterator[str]:
    told = answer(report)
    yield paint(told.headline, told.tone)
    for reason in told.reasons:
        yield from _wrapped(reason, columns, "  ", "  - ")
    rest = [images_in_words(report), groups_in_words(report)]
    readiness = report.facts.get("readiness", {})
    if readiness.get("reading"):
        rest.append(f"The minimum, as read here: {readiness['reading']}.")
    scope = report.facts.get("scope", {})
    if scope.get("judged_for") or scope.get("not_judged"):
        judged = ", ".join(scope["judged_for"]) or "nothing"
        others = len(scope["not_judged"])
        where = " in every image" if scope.get("in_part") else ""
        rest.append(
            f"Judged for: {judged}" + (f"; not judged{where}: {others} other labels." if others else ".")
        )
    for sentence in filter(None, rest):
        yield from _wrapped(sentence, columns)


def _label_table(report: Report, columns: int, paint: Paint) -> Iterator[str]:
    if not report.labels:
        return
    header = ["label", "images", "train", "test", "TP", "FP", "FN", "TN", "still needed"]
    rows = []
    for row in report.labels:
        counts = outcome_counts(row, "train").values()
        numbers = [row["images"], row["train"], row["test"], *counts]
        cells = ["?" if number is None else f"{number:,}" for number in numbers]
        name = printable(row["label"]) + (" *" if row.get("targets") else "")
        rows.append([name, *cells, still_needed(report, row)])
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    widths[0] = min(widths[0], max(12, columns - sum(widths[1:]) - 2 * len(header)))
    yield paint("Labels", "head") + "  (TP, FP, FN, TN: the base model against people, in training)"
    yield paint(_row(header, widths), "quiet")
    yield from (_row(row, widths) for row in rows)
    if any(row.get("targets") for row in report.labels):
        yield "* target"


def _slices(report: Report, paint: Paint) -> Iterator[str]:
    found = report.facts.get("slices")
    if not found:
        return
    header = [
        "slice",
        "images",
        "train",
        "test",
        "TP",
        "FP",
        "FN",
        "precision",
        "recall of the base model (95 % interval)",
    ]
    rows = [[printable(cell) for cell in slice_cells(row)] for row in found]
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    yield (
        paint("Slices", "head")
        + "  (the smallest first; the base model against people, pairs of image and label)"
    )
    yield paint(_row(header, widths), "quiet")
    yield from (_row(row, widths) for row in rows)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *numbers, last = cells
    middle = "  ".join(f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:-1], strict=True))
    if cell_len(first) > widths[0]:
        first = set_cell_size(first, widths[0] - 3) + "..."
    return f"{set_cell_size(first, widths[0])}  {middle}  {last}".rstrip()


def _advice(report: Report, columns: int, paint: Paint) -> Iterator[str]:
    found = advice(report)
    if not found:
        return
    yield paint("What to collect, and what to confirm first", "head")
    for item in found:
        yield from _wrapped(f"{item.about}: {item.status}", columns, "    ", "  - ")
        for step in item.steps:
            yield from _wrapped(step, columns, "      ", "    ")
        if item.images:
            named = ", ".join(f"{image} ({score:g} %)" for image, score in item.images)
            yield from _wrapped(f"confirm first: {named}", columns, "      ", "    ")


def _power(report: Report, columns: int, paint: Paint) -> Iterator[str]:
    found = power_lines(report)
    if not found:
        return
    yield paint(POWER_TITLE, "head")
    yield from _wrapped(f"({POWER_METHOD})", columns)
    for about, told in found:
        yield from _wrapped(f"{about}: {told}", columns, "    ", "  - ")


def _definitions(report: Report, columns: int, paint: Paint) -> Iterator[str]:
    found = definitions(report)
    if not found:
        return
    yield paint(DEFINITIONS_TITLE, "head")
    for label, why, definition in found[:DEFINED]:
        yield from _wrapped(f"{label} ({why}): {definition}", columns, "    ", "  - ")
    if len(found) > DEFINED:
        others = ", ".join(item.label for item in found[DEFINED:])
        yield from _wrapped(f"and of {others}: 'manifest-tools taxonomy LABEL'", columns, "    ", "    ")


def _people(report: Report, columns: int, paint: Paint) -> Iterator[str]:
    note = people_note(report)
    if not note:
        return
    yield paint(PEOPLE_TITLE, "head")
    yield from _wrapped(note, columns)
    for head, rows in ((AGREEMENT_HEAD, agreement_rows(report)), (REVIEWER_HEAD, reviewer_rows(report))):
        table = [head, *([printable(row[0]), *row[1:]] for row in rows)]
        widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
        yield from (_row(list(row), widths) for row in (table if rows else ()))
    for sentence in paradoxes(report):
        yield from _wrapped(sentence, columns, "    ", "  - ")


def _findings(report: Report, columns: int, paint: Paint, *, everything: bool) -> Iterator[str]:
    found = groups(report)
    if not found:
        return
    yield paint("What was found, what to fix first on top", "head")
    yield from _wrapped(f"({counts_in_words(report)})", columns)
    for group in found:
        yield ""
        yield from _group(group, columns, paint, everything=everything)


def _group(group: Group, columns: int, paint: Paint, *, everything: bool) -> Iterator[str]:
    yield f"{paint(str(group.severity), group.severity)} {paint(group.code, 'head')}  {group.tally}"
    if group.fix:
        yield from _wrapped(f"Fix: {group.fix}", columns, "  ")
    causes = [(f,) for f in group.findings] if everything else _causes(group.findings)
    shown = causes if everything else causes[:PLACES]
    kept_all = group.count == len(group.findings)
    for findings in shown:
        yield from _wrapped(_cause(findings, kept_all=kept_all), columns, "      ", "    ")
        if not group.fix:
            yield from _wrapped(f"Fix: {findings[0].fix}", columns, "      ")
    more = group.count - sum(map(len, shown))
    if more > 0:
        yield paint(f"    and {more:,} more{'' if everything else ' (--all)'}", "quiet")


def _causes(findings: Sequence[Finding]) -> list[tuple[Finding, ...]]:
    """Return findings by what they say, in the order of their first; few that say the same stay apart."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        alike.setdefault((finding.message, finding.fix), []).append(finding)
    return [
        part
        for found in alike.values()
        for part in ([tuple(found)] if len(found) > _FEW else [(finding,) for finding in found])
    ]


def _cause(findings: Sequence[Finding], *, kept_all: bool) -> str:
    first = findings[0]
    if len(findings) == 1:
        return _place(first)
    images = {finding.location.image for finding in findings}
    number = counted(len(images), "image") if None not in images else counted(len(findings), "time")
    least = "" if kept_all else "at least "
    return f"{first.message} ({least}{number}, the first: {place(first)})"


def _place(finding: Finding) -> str:
    where = place(finding)
    return finding.message if finding.message.startswith(where) else f"{where}: {finding.message}"


def _left_out(report: Report, columns: int, paint: Paint) -> Iterator[str]:
    reasons = left_out_reasons(report)
    skipped = report.facts.get("skipped", {})
    if not reasons and not skipped:
        return
    yield paint("Left out, and why", "head") + "  (an image may have several reasons)"
    for code, count, meaning in reasons:
        yield from _wrapped(f"{count:>6,}  {code}: {meaning}", columns, " " * 8, "")
    for extension, count in sorted(skipped.items()):
        files = "file" if count == 1 else "files"
        named = {"(hidden)": f"hidden {files}", "(none)": f"{files} without an extension"}.get(
            extension, f"{files} ending in {extension}"
        )
        yield from _wrapped(f"{count:>6,}  {named}: not taken for images", columns, " " * 8, "")


def _not_checked(report: Report, columns: int, paint: Paint) -> Iterator[str]:
    sentences = report.facts.get("not_checked", ())
    if not sentences:
        return
    yield paint("What could not be checked here", "head")
    for sentence in sentences:
        yield from _wrapped(sentence, columns, "    ", "  - ")


def _wrapped(text: str, columns: int, indent: str = "", first: str | None = None) -> list[str]:
    """Break at spaces only: a path that was cut in two cannot be copied."""
    return textwrap.wrap(
        printable(text),
        columns,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(text: str, style: str) -> str:  # noqa: ARG001 - one signature with the colouring one
    return text


def _colored(text: str, style: str) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
