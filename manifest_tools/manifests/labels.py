"""What is wrong with the label names of a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from manifest_tools.manifests.problems import Problem
from manifest_tools.policy import Policy
from manifest_tools.taxonomy import Taxonomy

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
            for name, count in Counter(names).items():
                if count > 1:
                    place = field(len(names) - 1 - list(reversed(names)).index(name))
                    yield Problem("label-duplicate", {"count": count}, None, place, name)
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
        spellings = taxonomy.spellings(name)
        if len(spellings) == 1:
            return Problem("label-spelling", {"name": spellings[0]}, label=name)
        old = taxonomy.migrate(name)
        if old is not None and old.ambiguous:
            choices = list(old.choices)
            return Problem("label-old-taxonomy", {"version": old.version, "choices": choices}, "ambiguous", None, name)
        if old is not None:
            return Problem("label-old-taxonomy", {"version": old.version, "name": old.choices[0]}, label=name)
        near = ["an empty list"] if self._policy.is_safe(name) else list(taxonomy.suggest(name))
        return Problem("label-unknown", {"taxonomy": taxonomy.version, "suggestions": near}, label=name)
