"""Options that several commands share: the same word means the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tools.cli import completion
from manifest_tools.core.percent import percent

if TYPE_CHECKING:
    from manifest_tools.dataset.dataset import Dataset


def in_percent(param: typer.CallbackParam, value: float | None) -> float | None:
    """Return the confidence that an option gives; a fraction is refused."""
    return None if value is None else percent(value, param.opts[0])


class OutputFormat(StrEnum):
    """How a result is printed on standard output."""

    TEXT = "text"
    JSON = "json"


class FailOn(StrEnum):
    """The least severity that makes the command exit with 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NEVER = "never"


class LabelLevel(StrEnum):
    """Which labels are judged and written."""

    TOP = "1"
    ALL = "all"


class Thumbnails(StrEnum):
    """Whether the report page holds small pictures."""

    NONE = "none"
    HIDDEN = "hidden"


class Keys(StrEnum):
    """How object keys are made."""

    ORIGINAL = "original"
    SHA256 = "sha256"


_JUDGING = "Judging"
RUNNING = "Running"
SCALE = "At scale"

Format = Annotated[
    OutputFormat, typer.Option("--format", help="How to print the result.", rich_help_panel=RUNNING)
]
Everything = Annotated[
    bool,
    typer.Option(
        "--all", help="Every place of every finding, not the first ones and those of one cause as one line."
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no step lines.", rich_help_panel=RUNNING)
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Tell how long each step takes.", rich_help_panel=RUNNING),
]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="Add everything that is said to this file, with times, and where errors come from.",
        rich_help_panel=RUNNING,
    ),
]
Pictures = Annotated[
    Thumbnails,
    typer.Option(
        "--thumbnails", help="Small pictures in report.html: none, or hidden until the reader reveals one."
    ),
]
Seed = Annotated[int, typer.Option(help="For every random choice.", rich_help_panel=RUNNING)]
Workers = Annotated[
    int | None,
    typer.Option(help="Worker processes; default: one per processor.", min=1, rich_help_panel=RUNNING),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="A dask scheduler, whose workers do the work (pip install 'manifest-tools[cluster]').",
        rich_help_panel=SCALE,
    ),
]
MaxFindings = Annotated[
    int,
    typer.Option(help="Findings of each code to keep; counts stay exact.", min=0, rich_help_panel=RUNNING),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="TOML file with thresholds and targets.", rich_help_panel=_JUDGING),
]
TaxonomyVersion = Annotated[
    str,
    typer.Option("--taxonomy", help="Taxonomy that labels are read by: 7 or 6.1.", rich_help_panel=_JUDGING),
]
Fail = Annotated[
    FailOn | None,
    typer.Option(
        "--fail-on",
        metavar="LEVEL",
        help="Least severity that fails the check: error (the default), warning, note, or never.",
        rich_help_panel=_JUDGING,
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="LABEL:GOAL",
        autocompletion=completion.targets,
        help="What the adapter is to fix, such as Alcohol:false-positives. Repeatable.",
        rich_help_panel=_JUDGING,
    ),
]
Level = Annotated[
    LabelLevel | None,
    typer.Option(
        "--label-level", help="1 rolls labels up to level 1; all keeps them.", rich_help_panel=_JUDGING
    ),
]
SafeNames = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,...",
        help="Label names that say: looked for everything, found nothing. Default: Safe.",
        rich_help_panel=_JUDGING,
    ),
]
KeepUnchecked = Annotated[
    bool,
    typer.Option(
        help="Keep images in which the base model sees a label that nobody looked for.",
        show_default=False,
        rich_help_panel=_JUDGING,
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="ROLE=COLUMN,...",
        help="Which column of a label table holds what: image, label, answer, decision, reason, date, reviewer, checked; ignore=COLUMN passes one over. Repeatable.",
    ),
]
GroupBy = Annotated[
    list[str] | None,
    typer.Option(
        "--group-by",
        metavar="COLUMN|FILE|folders",
        help="Images of one value stay on one side of the split: a column of the labels (it is kept), a table (FILE or FILE:COLUMN), or 'folders'. Repeatable.",
    ),
]
Slices = Annotated[
    list[str] | None,
    typer.Option(
        "--slice",
        metavar="COLUMN|FILE|folders|sources|content-types",
        help="Tell figures by the values of a column of the labels (it is kept), by 'folders', 'sources' or 'content-types', and keep them balanced in the split. Repeatable.",
    ),
]
LabelsFormat = Annotated[
    str,
    typer.Option(
        "--labels-format",
        metavar="FORMAT",
        help="Format of the labels, such as coco, voc, cvat, label-studio, decisions; default: by content.",
    ),
]


StopListFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--stop-list",
        metavar="FILE",
        help="Hashes of known images (MD5, SHA-1, SHA-256, PDQ) that are neither shown nor sent; remembered. "
        "Repeatable; 'none' lets them go.",
        rich_help_panel="Safety",
    ),
]


def _share(value: float) -> float:
    if not 0 < value < 1:
        msg = f"{value:g} is no share; expected a number between 0 and 1, such as 0.2"
        raise typer.BadParameter(msg)
    return value


Prove = Annotated[
    list[str] | None,
    typer.Option(
        "--prove",
        metavar="LABEL:GOAL=SHARE",
        help="Put so many mistakes of the base model on the test side that a repair of this share of them would show, "
        "if the minimums of training allow; such as Alcohol:false-negatives=0.5. Repeatable.",
    ),
]
NotAlike = Annotated[
    list[Path] | None,
    typer.Option(
        "--not-alike",
        metavar="FILE",
        help="CSV with the columns image and other: pairs that people found to be no look-alikes, remembered from then "
        "on. The page of inspect makes it. Repeatable.",
    ),
]
FreezeTest = Annotated[
    bool | None,
    typer.Option(
        "--freeze-test/--no-freeze-test",
        help="Add nothing to the locked test set: new test images form another, test-2.manifest. Default: once a "
        "training was tested on it.",
        show_default=False,
    ),
]
TestSize = Annotated[
    float, typer.Option(metavar="SHARE", help="Share of the images in the test set.", callback=_share)
]


def with_stop_list(dataset: Dataset, files: Sequence[Path] | None) -> Dataset:
    """Return a data set that remembers the stop lists that were given, or those that it knew."""
    if not files:
        return dataset
    from manifest_tools.images.stop_list.reading import read_stop_list

    known = read_stop_list(files)
    return replace(dataset, stop_list=() if known is None else known.files)
