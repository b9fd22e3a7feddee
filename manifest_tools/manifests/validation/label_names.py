"""What is wrong with the label names of a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.name_resolution import NameResolution, read_name
from manifest_tools.findings.policy import Policy
from manifest_tools.manifests.validation.problems import Problem

_REMEMBERED = 65_536  # distinct names


class LabelRule:
    """Judges label names by a taxonomy.

    Parameters
    ----------
    taxonomy : Taxonomy
        What the names should belong to.
    policy : Policy
        Which names mean that nothing is unsafe, and whether lower levels are meant to be written.
    """

    def __init__(self, taxonomy: Taxonomy, policy: Policy) -> None:
        self._taxonomy = taxonomy
        self._policy = policy
        self._judge = lru_cache(maxsize=_REMEMBERED)(self._judge_name)

    def problems(self, names: Sequence[str], field: Callable[[int], str]) -> Iterator[Problem]:
        """Yield the problems of the names of one image; `field` gives the JSON pointer of each."""
        if len(set(names)) < len(names):
            last = {name: position for position, name in enumerate(names)}
            for name, count in Counter(names).items():
                if count > 1:
                    yield Problem("label-duplicate", {"count": count}, None, field(last[name]), name)
        for position, name in enumerate(names):
            problem = self._judge(name)
            if problem is not None:
                yield problem._replace(field=field(position))

    def _judge_name(self, name: str) -> Problem | None:
        taxonomy = self._taxonomy
        if name in taxonomy:
            level = taxonomy[name].level
            if level == 1 or self._policy.label_level == "all":
                return None
            return Problem("label-level", {"level": level, "top": taxonomy.level_1(name)}, label=name)
        reading = read_name(name, taxonomy, self._policy)
        if reading.resolution is NameResolution.SPELLING:
            return Problem("label-spelling", {"name": reading.name}, label=name)
        if reading.resolution is NameResolution.OLD:
            return Problem(
                "label-old-taxonomy", {"version": reading.version, "name": reading.name}, label=name
            )
        if reading.resolution is NameResolution.AMBIGUOUS:
            data = {"version": reading.version, "choices": list(reading.choices)}
            return Problem("label-old-taxonomy", data, "ambiguous", None, name)
        near = ["an empty list"] if reading.resolution is NameResolution.SAFE else list(reading.choices)
        return Problem("label-unknown", {"taxonomy": taxonomy.version, "suggestions": near}, label=name)
