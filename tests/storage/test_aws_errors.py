from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ProxyConnectionError, ResponseStreamingError

from manifest_tools.core.errors import RemoteError
from manifest_tools.storage.aws_errors import is_transient, redact, remote_error, remote_errors


def client_error(code: str, message: str = "", status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Operation")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (client_error("NoSuchBucket"), "the bucket does not exist"),
        (
            client_error("AccessDenied", "User: arn is not authorized to perform: s3:PutObject"),
            "--print-policy",
        ),
        (
            client_error("AccessDenied", "not authorized to perform: kms:GenerateDataKey"),
            "KMS key cannot be used",
        ),
        (client_error("KMS.NotFoundException", "Alias is not found"), "KMS key cannot be used"),
        (client_error("PermanentRedirect"), "another region"),
        (client_error("ExpiredToken"), "credentials have expired"),
        (client_error("InvalidAccessKeyId"), "access key is not known"),
        (client_error("SignatureDoesNotMatch"), "secret key does not fit"),
        (client_error("RequestTimeTooSkewed"), "clock"),
        (client_error("ThrottlingException"), "too many requests"),
        (client_error("SomethingNew", "Explained."), "SomethingNew: Explained"),
        (NoCredentialsError(), "no complete AWS credentials"),
    ],
)
def test_cause_and_fix_in_words(error: Exception, words: str) -> None:
    told = str(remote_error(error, "Writing s3://b/k"))

    assert told.startswith("Writing s3://b/k failed: ")
    assert words in told
    assert "\n" not in told
    assert told.endswith(".")


SECRETS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "hunter2",
    "0123456789abcdef",
    "FwoGZXIvYXdzEBY",
]


@pytest.mark.parametrize(
    "text",
    [
        "the key AKIAIOSFODNN7EXAMPLE or ASIAIOSFODNN7EXAMPLE does not exist",
        "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2026&X-Amz-Signature=0123456789abcdef",
        "proxy URL: http://user:hunter2@proxy:3128",
        "x-amz-security-token: FwoGZXIvYXdzEBY",
        '{"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "SessionToken": "FwoGZXIvYXdzEBY"}',
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ],
)
def test_no_secret_is_told(text: str) -> None:
    assert not [secret for secret in SECRETS if secret in redact(text)]


def test_the_original_error_is_not_chained() -> None:
    """Its text may quote a proxy's password, and a traceback would print it."""
    with pytest.raises(RemoteError) as caught, remote_errors("Listing s3://b/"):
        raise ProxyConnectionError(proxy_url="http://user:hunter2@proxy:3128")

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_what_is_worth_another_try() -> None:
    assert is_transient(client_error("SlowDown", status=503))
    assert is_transient(client_error("Unknown", status=502))
    assert is_transient(ResponseStreamingError(error="cut"))
    assert not is_transient(client_error("AccessDenied", status=403))
    assert not is_transient(client_error("NotImplemented", status=501))
    assert not is_transient(ProxyConnectionError(proxy_url="http://p"))
