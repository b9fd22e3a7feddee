"""The account's own quota of calls."""

from __future__ import annotations

from typing import Any, Final

from manifest_tools.core.errors import RemoteError
from manifest_tools.storage.aws_errors import remote_errors

_OPERATION: Final = "DetectModerationLabels"


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
