"""What an adapter is called where people read: project, version, and when it was made."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ARN = re.compile(r"arn:[^:]+:rekognition:[^:]*:[^:]*:project/([^/]+)/version/([^/]+)/(\d{1,14})")


def adapter_title(name: str) -> str:
    """Return project and version of an adapter's ARN; another name as it is.

    Examples
    --------
    >>> adapter_title("arn:aws:rekognition:us-east-1:111122223333:project/bar/version/v3/1730000000001")
    'bar / v3'
    """
    match = _ARN.fullmatch(name)
    return f"{match[1]} / {match[2]}" if match else name


def adapter_date(name: str) -> str:
    """Return the day (UTC) on which an adapter was made, which its ARN tells; "" where it does not.

    Examples
    --------
    >>> adapter_date("arn:aws:rekognition:us-east-1:111122223333:project/bar/version/v3/1730000000001")
    '2024-10-27'
    """
    match = _ARN.fullmatch(name)
    return datetime.fromtimestamp(int(match[3]) / 1000, UTC).date().isoformat() if match else ""
