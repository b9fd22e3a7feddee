"""What the shell proposes while somebody types: labels, targets, codes, and adapters of the project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from manifest_tools.core.errors import ManifestToolsError


def labels(incomplete: str) -> list[str]:
    """Propose labels of the taxonomy."""
    from manifest_tools.core.taxonomy import Taxonomy

    return _beginning(Taxonomy.load().names, incomplete)


def targets(incomplete: str) -> list[str]:
    """Propose targets: the labels of level 1, each with both goals."""
    from manifest_tools.core.taxonomy import Taxonomy
    from manifest_tools.findings.policy import Goal

    return _beginning((f"{label}:{goal}" for label in Taxonomy.load().top for goal in Goal), incomplete)


def codes(incomplete: str) -> list[str]:
    """Propose codes of findings."""
    from manifest_tools.findings.catalogue import CATALOGUE

    return _beginning(sorted(CATALOGUE), incomplete)


def adapters(incomplete: str) -> list[str]:
    """Propose the adapters that were trained in the project, the latest first; Amazon is not asked."""
    with suppress(ManifestToolsError, OSError):
        return _beginning(_trained(), incomplete)
    return []


def _trained() -> Iterator[str]:
    from manifest_tools.core.output_folder import holds_dataset
    from manifest_tools.dataset.dataset import Dataset
    from manifest_tools.dataset.round_sets import trained_adapters
    from manifest_tools.pipeline.project_file import find_project

    project = find_project()
    if project is not None and project.out is not None and holds_dataset(project.out):
        history = Dataset.load_frame(project.out).history
        yield from dict.fromkeys(reversed(trained_adapters(history)))


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.casefold().startswith(incomplete.casefold())]
