from __future__ import annotations

import pytest

from manifest_tools.core.errors import MissingExtraError
from manifest_tools.testing import local_s3


@pytest.fixture(scope="package")
def s3():
    try:
        server = local_s3(buckets=["pictures"])
        with server as running:
            yield running
    except MissingExtraError as error:
        pytest.skip(str(error))
