"""How many calls a second an account may make: by default, as it says itself, and as the caller says."""

from __future__ import annotations

import math
from typing import Any, Final

from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.core.resources import load_json
from manifest_tools.storage.aws_errors import remote_errors

_OPERATION: Final = "DetectModerationLabels"


def default_tps(region: str | None) -> float:
    """Return the calls per second that a new account may make in a Region."""
    quota = load_json("service-quotas.json")["detect_moderation_labels"]
    return float(quota["calls_per_second"].get(region or "", quota["calls_per_second_elsewhere"]))


def fastest_regions() -> tuple[tuple[str, ...], float]:
    """Return the Regions in which a new account may make the most calls per second, and that rate."""
    quota = load_json("service-quotas.json")["detect_moderation_labels"]["calls_per_second"]
    best = max(quota.values())
    return tuple(sorted(region for region, rate in quota.items() if rate == best)), float(best)


def rate_of(tps: float | None, region: str | None) -> float:
    """Return the calls per second to make: those that were asked for, or the default of the Region.

    Raises
    ------
    InputError
        `tps` is no number of calls.
    """
    rate = default_tps(region) if tps is None else tps
    if not 0 < rate < math.inf:
        raise InputError(f"tps is {rate}; expected calls per second, more than 0")
    return rate


def account_tps(client: Any) -> float:
    """Return how many calls of DetectModerationLabels a second the account may make.

    Parameters
    ----------
    client : boto3 client
        Service Quotas, in the Region that is asked.

    Raises
    ------
    RemoteError
        The quotas may not be read, or none of them speaks of the operation.
    """
    found = []
    token: dict[str, str] = {}
    with remote_errors(
        "Reading the account's quotas (servicequotas:ListServiceQuotas; --tps N needs no look)"
    ):
        while True:
            answer = client.list_service_quotas(ServiceCode="rekognition", **token)
            found += [
                float(quota["Value"])
                for quota in answer["Quotas"]
                if _OPERATION in quota["QuotaName"] and "per second" in quota["QuotaName"].lower()
            ]
            if not answer.get("NextToken"):
                break
            token = {"NextToken": answer["NextToken"]}
    if not found:
        msg = f"the account's quotas in {client.meta.region_name} do not speak of {_OPERATION}; give the calls per second: --tps N"
        raise RemoteError(msg)
    return min(found)
