"""From command-line options to a policy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from manifest_tools.cli.options import FailOn, LabelLevel
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.findings.policy import Policy, Target


def policy_from(
    file: Path | None,
    *,
    base: Policy | None = None,
    taxonomy: str,
    targets: list[str] | None = None,
    label_level: LabelLevel | None = None,
    safe_names: str | None = None,
    keep_unchecked: bool = False,
    fail_on: FailOn | None = None,
    derive: bool = False,
) -> Policy:
    """Return the policy file's policy (else `base`, else the default), changed by the options that were given."""
    known = Taxonomy.load(taxonomy)
    policy = Policy.from_toml(file, taxonomy=known) if file else base or Policy()
    policy = policy.with_targets(tuple(Target.parse(text, known) for text in targets or ()))
    if label_level is not None:
        policy = replace(policy, label_level=str(label_level))
    if safe_names is not None:
        policy = replace(policy, safe_names=tuple(split_names(safe_names)))
    if keep_unchecked:
        policy = replace(policy, keep_unchecked=True)
    if fail_on is not None:
        policy = replace(policy, fail_on=str(fail_on))
    if derive:
        policy = replace(policy, derive={**policy.derive, "unusable": True})
    return policy


def split_names(text: str | None) -> list[str]:
    """Return the names of a comma-separated option."""
    return [name for name in map(str.strip, (text or "").split(",")) if name]
