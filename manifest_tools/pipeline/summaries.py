"""What `prepare` says at the end of each step, in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from manifest_tools.core.output_folder import MANIFESTS
from manifest_tools.core.text import counted, shortened
from manifest_tools.dataset.copies import FAILED, copied
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS
from manifest_tools.dataset.round_sets import named_sets
from manifest_tools.dataset.tables import GROUPS
from manifest_tools.images.stop_list.stop_list import STOPPED

_NAMED = 8  # columns, or lines of a mapping, that a summary names
_LONGEST = 100  # characters of each


def summary_of_reading(dataset: Dataset) -> str:
    """Say how many images were found, and in which format each file of labels was read."""
    skipped = sum(dataset.sources.get("images", {}).get("skipped", {}).values())
    others = f" ({counted(skipped, 'other file')} passed over)" if skipped else ""
    judged = int((dataset.images["judged"] != "").sum())
    return f"{counted(len(dataset), 'image')}{others}, {judged:,} of them labelled{_labels_summary(dataset)}"


def _labels_summary(dataset: Dataset) -> str:
    """Say in which format each file of labels was read, and what was passed over."""
    return "".join(_file_summary(origin) for origin in dataset.sources.values() if "format" in origin)


def _file_summary(origin: Mapping[str, Any]) -> str:
    said = f"; {Path(origin['file']).name}: {origin['format']}"
    if origin.get("unread"):
        said += f"; columns not read: {_named(origin['unread'])}"
    if origin.get("unused"):
        said += f"; not in it, though mapped: {_named(origin['unused'])}"
    return said


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(shortened(name, _LONGEST) for name in names[:_NAMED]) + more


def summary_of_inspection(dataset: Dataset) -> str:
    """Say how much was read, and how many images cannot be read in full."""
    images = dataset.images
    on_list = int(images["decode_error"].str.startswith(STOPPED).sum())
    broken = int((images["decode_error"] != "").sum()) - on_list
    unreadable = f", {broken:,} cannot be read in full" if broken else ""
    stopped = f", {on_list:,} on a stop list" if on_list else ""
    return f"{images['bytes'].sum() / 1e6:,.1f} MB{unreadable}{stopped}"


def summary_of_groups(dataset: Dataset) -> str:
    """Say how many look-alikes there are."""
    sizes = dataset.images["group"].value_counts()
    several = sizes[sizes > 1]
    told = f"{counted(int(several.sum()), 'look-alike')} in {counted(len(several), 'group')}"
    by = dataset.sources.get(GROUPS, {}).get("by", ())
    if by:
        told += f"; with {', '.join(by)}: {counted(dataset.images['split_group'].nunique(), 'group')}"
    return told


def summary_of_split(dataset: Dataset) -> str:
    """Say how many images each side has; of several test sets, how many each."""
    sides = dataset.images["split"].value_counts()
    sets = named_sets(dataset.images)
    each = ", ".join(f"{count:,} in {name}" for name, count in sets.items())
    return f"{sides.get('train', 0):,} train, {sides.get('test', 0):,} test" + (
        f" ({each})" if set(sets) - {MANIFESTS[1]} else ""
    )


def summary_of_copies(dataset: Dataset) -> str:
    """Say how many copies share labels and answers."""
    numbers = dataset.history[-1]["options"]
    kinds = (
        ("labels", counted(numbers["labels"], "copy", "copies")),
        ("answers", counted(numbers["answers"], "copy", "copies")),
    )
    told = [f"{number} with the {kind} of another" for kind, number in kinds if numbers[kind]]
    return ", ".join(told) + " (--separate-copies turns that off)"


def summary_of_derived(dataset: Dataset) -> str:
    """Say how many images have a copy that is sent in their place, and how many could have none."""
    failed = int(dataset.images["derived_why"].str.startswith(FAILED).sum())
    told = f"{counted(int(copied(dataset.images).sum()), 'copy', 'copies')} to be sent in the place of images"
    return f"{told}, {failed:,} could not be made" if failed else told


def summary_of_predictions(dataset: Dataset) -> str:
    """Say how many images the base model answered about, and what was passed over."""
    asked = int((dataset.images["predicted"] != "").sum())
    facts = dataset.sources.get(PREDICTIONS, {})
    told = [
        f"{counted(facts[key], *words)} {done}" for key, words, done in _PREDICTION_FACTS if facts.get(key)
    ]
    more = f" ({', '.join(told)})" if told else ""
    return f"answers for {asked:,} of {len(dataset):,} images{more}"


_PREDICTION_FACTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("unmatched", ("other image",), "passed over"),
    ("unread", ("entry without an answer", "entries without an answer"), "passed over"),
    ("respelled", ("confidence",), "with % or a decimal comma read as per cent"),
)
