"""What a test set is to prove, as people write it: TARGET=SHARE."""

from __future__ import annotations

from collections.abc import Iterable

from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.evaluation.power import mistakes_needed
from manifest_tools.findings.policy import Target


def mistakes_to_prove(wishes: Iterable[str], taxonomy: Taxonomy | None = None) -> dict[Target | str, int]:
    """Return how many of the base model's mistakes the test set needs for each target.

    Parameters
    ----------
    wishes : iterable of str
        Such as ``"Alcohol:false-negatives=0.5"``: a repair of half of the false negatives shall show.
    taxonomy : Taxonomy, optional
        Default: any version's names do.

    Raises
    ------
    InputError
        A wish has another form, names no target, or no share from above 0 to 1; or a target stands there twice.

    Examples
    --------
    >>> {str(target): number for target, number in mistakes_to_prove(["Alcohol:false-negatives=0.5"]).items()}
    {'Alcohol:false-negatives': 15}
    """
    found: dict[Target | str, int] = {}
    for text in wishes:
        name, _, share = text.rpartition("=")
        try:
            repaired = float(share)
        except ValueError:
            repaired = 0.0
        if not name or not 0 < repaired <= 1:
            msg = (
                f"prove {text!r}: expected LABEL:GOAL=SHARE with a share above 0 and up to 1, for example "
                "Alcohol:false-negatives=0.5"
            )
            raise InputError(msg)
        target = Target.parse(name, taxonomy)
        if target in found:
            msg = f"prove {text!r}: {target} is given twice; keep one share"
            raise InputError(msg)
        found[target] = mistakes_needed(repaired)
    return found
