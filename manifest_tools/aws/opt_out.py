"""Whether the account has told Amazon not to use its content to improve the service."""

from __future__ import annotations

import json
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from manifest_tools.storage.aws_errors import error_code

PAGE: Final = "https://docs.aws.amazon.com/rekognition/latest/dg/security-data-encryption.html"
OPTED_OUT, NOT_OPTED_OUT, NOT_KNOWN = "opted out", "not opted out", "not known"
_NO_POLICY: Final = {"EffectivePolicyNotFoundException", "AWSOrganizationsNotInUseException"}


def opt_out_status(client: Any) -> str:
    """Return whether the account's content is kept from improving Rekognition, by its organisation's policy.

    Parameters
    ----------
    client : boto3 client
        Organizations.

    Returns
    -------
    str
        `OPTED_OUT`, `NOT_OPTED_OUT`, or `NOT_KNOWN` where the policy may not be read or makes no sense.
    """
    try:
        answer = client.describe_effective_policy(PolicyType="AISERVICES_OPT_OUT_POLICY")
        services = json.loads(answer["EffectivePolicy"]["PolicyContent"])["services"]
        for name in ("rekognition", "default"):
            if name in services:
                return _said(services[name]["opt_out_policy"])
    except ClientError as error:
        return NOT_OPTED_OUT if error_code(error) in _NO_POLICY else NOT_KNOWN
    except (BotoCoreError, KeyError, TypeError, ValueError):
        return NOT_KNOWN
    return NOT_OPTED_OUT


def _said(value: Any) -> str:
    word = value.get("@@assign") if isinstance(value, dict) else value
    return {"optOut": OPTED_OUT, "optIn": NOT_OPTED_OUT}.get(str(word), NOT_KNOWN)
