"""What `prepare` was told for a folder the last time: kept in it, repeated, and compared with the next call."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manifest_tools.core.errors import InputError
from manifest_tools.core.text import counted, shortened, to_json
from manifest_tools.pipeline.prepare_options import PrepareOptions, option_name

if TYPE_CHECKING:
    from manifest_tools.dataset.dataset import Dataset
    from manifest_tools.findings.policy import Policy

CALL = "dataset/call.json"
_SHOWN = 4  # changes that one line names


def read_call(folder: str | Path) -> PrepareOptions | None:
    """Return what `prepare` was told for a folder, its paths as seen from here; None where nothing is known."""
    try:
        document = json.loads((Path(folder) / CALL).read_bytes())
        return PrepareOptions.of(document).moved(folder, ".") if isinstance(document, dict) else None
    except (OSError, ValueError, RecursionError, InputError):
        return None


def write_call(call: PrepareOptions, stage: Path, folder: Path) -> None:
    """Keep a call with the results; its paths are seen from the folder, so that it may be repeated from anywhere."""
    path = stage / CALL
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        to_json(call.moved(".", folder).to_dict(), indent=1) + "\n", encoding="utf-8", newline="\n"
    )


def changes(before: PrepareOptions, now: PrepareOptions) -> list[str]:
    """Say which options differ from those of the last call.

    >>> before = PrepareOptions(images="photos", mapping=("map.csv",), target=("Alcohol:false-positives",))
    >>> changes(before, PrepareOptions(images="photos", seed=1, target=("Gambling:false-positives",)))
    ['--map is not given any more', '--target is Gambling:false-positives, was Alcohol:false-positives', '--seed 1 is new']
    """
    found = []
    for item in fields(now):
        old, new = getattr(before, item.name), getattr(now, item.name)
        if old == new:
            continue
        name = "IMAGES" if item.name == "images" else f"--{option_name(item.name)}"
        if new == item.default:
            found.append(f"{name} is not given any more")
        elif old == item.default:
            found.append(f"{name} is new" if new is True else f"{name} {_shown(new)} is new")
        else:
            found.append(f"{name} is {_shown(new)}, was {_shown(old)}")
    return found


def changed_call(call: PrepareOptions, dataset: Dataset, policy: Policy, folder: Path) -> str:
    """Say in one line what differs from a folder's last call, and what it means; "" where nothing does.

    Parameters
    ----------
    call : PrepareOptions
        This one.
    dataset : Dataset
        As it was read by this call, not split yet.
    policy : Policy
        Of this call.
    folder : Path
        With the results of the last one.
    """
    before = read_call(folder)
    found = changes(before, call) if before is not None else []
    if not found:
        return ""
    more = f"; and {counted(len(found) - _SHOWN, 'more option')}" if len(found) > _SHOWN else ""
    return f"{'; '.join(found[:_SHOWN])}{more}: {_meaning(dataset, policy, folder)}"


def _meaning(dataset: Dataset, policy: Policy, folder: Path) -> str:
    from manifest_tools.reports.saved import saved_answer  # noqa: PLC0415 - pandas; a call is read without it
    from manifest_tools.rules.evidence import Evidence  # noqa: PLC0415

    left_out = len(dataset) - int(Evidence.of(dataset, policy).eligible.sum())
    try:
        images = saved_answer(folder)[0].facts["images"]
        before = images["found"] - images["usable"]
    except (InputError, KeyError, TypeError):
        return f"{counted(left_out, 'image')} will be left out"
    if left_out == before:
        return f"{left_out:,} images will be left out, as before"
    word = "more" if left_out > before else "fewer"
    return (
        f"{counted(abs(left_out - before), 'image')} {word} will be left out ({left_out:,}, were {before:,})"
    )


def _shown(value: Any) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return shortened(text, 100)
