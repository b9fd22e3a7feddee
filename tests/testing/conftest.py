from __future__ import annotations

import shutil

import pytest

from manifest_tools.core.errors import MissingExtraError
from manifest_tools.testing import local_s3

# The AWS CLI wants a version of botocore of its own, so it is no dependency of the tests.
collect_ignore = [] if shutil.which("aws") else ["test_aws_cli.py"]


@pytest.fixture(scope="package")
def s3():
    try:
        server = local_s3(buckets=["pictures"])
        with server as running:
            yield running
    except MissingExtraError as error:
        pytest.skip(str(error))
