"""What a command takes from the project file, or from a folder's last call, where the command line says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The argument of each command that is the folder of results, and what else a name means in it than in `prepare`.
FOLDERS = {
    "check": "places",
    "split": "place",
    "select": "folder",
    "review": "folder",
    "publish": "folder",
    "predict": "images",
    "train": "folder",
    "evaluate": "data",
    "status": "folder",
    "forget": "folders",
}
ADAPTERS = {"evaluate": "adapters", "moderate": "adapter", "adapters": "arn"}  # default: the one trained last
_ALSO = ("prepare", "inspect", "map", "moderate", "adapters")  # they take options, or what prepare reads
_OTHER_MEANING = {
    "check": ("images",),
    "split": ("images", "out", "group_by", "slices"),
    "publish": ("to",),
    "predict": ("min_confidence",),
    "moderate": ("images",),
    "forget": ("images",),
    "map": ("labels_format", "mapping"),
}


def defaults(command: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return values for a command's parameters, by name, for those that the command line does not give.

    Parameters
    ----------
    command : str
        Its name; of a group's, the group's.
    given : mapping of str to Any
        What the command line gives.

    Raises
    ------
    InputError
        The project file cannot be used.
    """
    if command not in FOLDERS and command not in _ALSO:
        return {}
    from manifest_tools.pipeline.last_call import read_call
    from manifest_tools.pipeline.project_file import find_project

    project = find_project()
    if project is None:
        out, images = given.get("out"), given.get("images")
        call = read_call(Path(out)) if command == "prepare" and out and not images else None
        return {} if call is None else call.defaults()
    found = {**project.prepare.defaults(), **project.others}
    if command == "prepare" and project.out is not None:
        found["out"] = str(project.out)
    for name in _OTHER_MEANING.get(command, ()):
        found.pop(name, None)
    if command == "predict" and given.get("run"):  # with the credentials of the environment
        found = {name: value for name, value in found.items() if name not in ("profile", "stop_list")}
    if project.out is not None:
        if command in FOLDERS:
            found[FOLDERS[command]] = str(project.out)
        if command in ADAPTERS and not given.get(ADAPTERS[command]):
            found |= _last_adapter(project.out, ADAPTERS[command])
    return found


def _last_adapter(folder: Path, name: str) -> dict[str, str]:
    """Return the adapter that was trained last on a folder of results."""
    from manifest_tools.core.output_folder import holds_dataset
    from manifest_tools.dataset.dataset import Dataset
    from manifest_tools.dataset.round_sets import trained_adapters

    history = Dataset.load_frame(folder).history if holds_dataset(folder) else ()
    trained = trained_adapters(history)
    return {name: trained[-1]} if trained else {}
