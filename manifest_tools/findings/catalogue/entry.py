"""What the catalogue holds of each finding code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from manifest_tools.findings.findings import Severity

ERROR, WARNING, NOTE = Severity


@dataclass(frozen=True, slots=True)
class Variant:
    """A second reading of a code, with a severity and texts of its own."""

    severity: Severity
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding code.

    Parameters
    ----------
    code : str
        Stable for ever.
    severity : Severity
        The default; the policy can change it.
    meaning : str
        What the code says, for ``explain``.
    message, fix : str
        Templates in :meth:`str.format` syntax over the finding's place and data.
    source : str
        The page or the reasoning behind the rule.
    variants : mapping of str to Variant
        Other readings of the same code, chosen by ``data["variant"]``.
    """

    code: str
    severity: Severity
    meaning: str
    message: str
    fix: str
    source: str
    variants: Mapping[str, Variant] = field(default_factory=dict)
