"""What is looked at before an adapter is trusted with decisions, and what its answers give away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from manifest_tools.aws.training.adapters import Adapter, AdapterName, adapter_status
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding

# from which labels are asked for, as in the output of a training, whose form comparisons have
MIN_CONFIDENCE = 5.0


def look_at(client: Any, arn: str) -> tuple[Adapter | None, list[Finding]]:
    """Return what is known of an adapter before it is asked; None when these credentials may not look.

    Raises
    ------
    InputError
        There is no such adapter, it cannot be asked, or the client's calls go to another Region.
    """
    name = AdapterName.parse(arn)
    region = client.meta.region_name
    if name.region != region:
        raise InputError(
            f"adapter {arn} is in {name.region}, the calls go to {region}; give --region {name.region}"
        )
    try:
        known = adapter_status(client, arn)
    except RemoteError:
        return None, []  # every answer is checked all the same
    if known.status == "EXPIRED":
        return known, [finding("adapter-expired", adapter=arn)]
    if known.status == "DEPRECATED":
        return known, [finding("adapter-expired", variant="deprecated", adapter=arn)]
    if not known.usable:
        raise InputError(f"adapter {arn} is {known.status}: {known.message or 'it cannot be asked'}")
    return known, []


def other_base_models(known: Adapter | None, answers: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield a finding when answers come from another base model than the adapter was trained on."""
    versions = {str(answer.get("ModerationModelVersion", "")) for answer in answers} - {""}
    expected = known.base_model if known else ""
    if expected and versions - {expected}:
        yield finding("base-model-changed", found=sorted(versions - {expected}), expected=expected)
