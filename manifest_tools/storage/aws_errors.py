"""What Amazon's errors mean: one sentence with cause and fix, without a secret in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from manifest_tools.core.errors import DeniedError, RemoteError, UnavailableError

_POLICY = "`manifest-tools publish --print-policy` prints the rights that are needed."
_LOGIN = "Renew the credentials (for single sign-on: `aws sso login`) and run the command again."
_AGAIN = "Run the command again: it goes on where it stopped."

_WRONG_SECRET = (
    "the secret key does not fit the access key",
    "Check --profile and the AWS_* environment variables.",
)
_WRONG_CLOCK = ("the clock of this machine is wrong", "Set the clock and run the command again.")
_DENIED = ("permission denied", f"{_POLICY} A bucket that demands encryption wants --kms-key.")
_NO_BUCKET = ("the bucket does not exist", "Check the name, the account and --profile.")
_NO_OBJECT = ("there is no such object", "Check bucket and key; publish the data set first.")
_REGION = (
    "the bucket is in another region",
    "Give that region with --region; Rekognition reads buckets of its own region only.",
)
_UNKNOWN_KEY = ("the access key is not known there", "Check --profile and the AWS_* environment variables.")
_EXPIRED = ("the credentials have expired", _LOGIN)
_BUSY = ("too many requests", f"{_AGAIN} A lower --workers or --tps asks for less.")
_BROKEN = ("the service failed on its side", _AGAIN)
_DIGEST = ("the bytes that arrived are not those that were sent", f"{_AGAIN} Nothing was stored.")
_KMS = (
    "the KMS key cannot be used",
    "Check that it exists in the bucket's region, is enabled, and grants you kms:GenerateDataKey and kms:Decrypt.",
)
_PARAMETER = ("a value was refused", "See the message for which one.")
_TAKEN = ("the name is already in use or the thing is busy", "Choose another name, or wait until it is idle.")
_QUOTA = (
    "a quota of the account is used up",
    "Delete what is no longer needed, or ask AWS for a higher quota.",
)

_CAUSES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("AccessDenied", "AccessDeniedException", "AllAccessDisabled", "403"), _DENIED),
    "NoSuchBucket": _NO_BUCKET,
    **dict.fromkeys(("NoSuchKey", "NoSuchVersion", "404"), _NO_OBJECT),
    **dict.fromkeys(
        ("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"), _REGION
    ),
    **dict.fromkeys(("InvalidAccessKeyId", "UnrecognizedClientException", "InvalidClientTokenId"), _UNKNOWN_KEY),
    **dict.fromkeys(("SignatureDoesNotMatch", "InvalidSignatureException"), _WRONG_SECRET),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidToken"), _EXPIRED),
    "RequestTimeTooSkewed": _WRONG_CLOCK,
    **dict.fromkeys(
        ("SlowDown", "Throttling", "ThrottlingException", "ProvisionedThroughputExceededException",
         "TooManyRequestsException", "RequestLimitExceeded", "429", "503"),
        _BUSY,
    ),
    **dict.fromkeys(
        ("InternalError", "InternalServerError", "ServiceUnavailable", "RequestTimeout", "500", "502", "504"), _BROKEN
    ),
    **dict.fromkeys(("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "IncompleteBody"), _DIGEST),
    **dict.fromkeys(
        ("PreconditionFailed", "ConditionalRequestConflict", "412"),
        ("somebody else wrote the object in the meantime", "Run the command again to see the difference."),
    ),
    **dict.fromkeys(
        ("NotImplemented", "MethodNotAllowed", "501"),
        ("the server does not know this request", "Use Amazon S3 or a server with conditional writes."),
    ),
    **dict.fromkeys(("InvalidParameterException", "ValidationException", "InvalidRequest"), _PARAMETER),
    **dict.fromkeys(("ResourceInUseException", "OperationAborted"), _TAKEN),
    **dict.fromkeys(("LimitExceededException", "ServiceQuotaExceededException"), _QUOTA),
    "ResourceNotFoundException": ("no such project or adapter", "`manifest-tools adapters list` shows what there is."),
    "ResourceNotReadyException": ("the adapter is not ready", "Wait for its training: `manifest-tools adapters status`."),
    "InvalidS3ObjectException": (
        "Rekognition cannot read the S3 object",
        f"Bucket and Rekognition must be in the same region, and the object readable. {_POLICY}",
    ),
    **dict.fromkeys(
        ("ImageTooLargeException", "InvalidImageFormatException"),
        ("Rekognition does not take this image", "`manifest-tools inspect` says what is wrong with it."),
    ),
}  # fmt: skip

# Not answers of the service, but of the way to it.
_CLIENT_CAUSES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "NoAuthTokenError"),
        ("no complete AWS credentials were found", "Give --profile, set AWS_PROFILE, or run `aws configure`."),
    ),
    **dict.fromkeys(
        ("TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError", "SSOError",
         "LoginRefreshRequired", "LoginTokenLoadError"),
        _EXPIRED,
    ),
    **dict.fromkeys(
        ("EndpointConnectionError", "ConnectTimeoutError", "ConnectionError"),
        ("the service cannot be reached", "Check the network, --endpoint-url and --region."),
    ),
    "ProxyConnectionError": ("the proxy cannot be reached", "Check HTTPS_PROXY and NO_PROXY."),
    "SSLError": ("the certificate was not accepted", "Behind a company proxy, set AWS_CA_BUNDLE to its certificate."),
    "ParamValidationError": _PARAMETER,
    **dict.fromkeys(
        ("AnswerError", "PaginationError"),
        ("the answer is not one that the service gives",
         "Check --endpoint-url, and whether the network wants a login or a proxy first; then run the command again."),
    ),
}  # fmt: skip

_RETRYABLE_CODES = frozenset(
    code for code, cause in _CAUSES.items() if cause in (_BUSY, _BROKEN)
) | {"ConditionalRequestConflict", "OperationAborted", "IncompleteBody"}  # fmt: skip

# Nothing about what was asked for: the same question may be answered later, or by other credentials.
_OUTAGES = (_UNKNOWN_KEY, _WRONG_SECRET, _WRONG_CLOCK, _EXPIRED, _BUSY, _BROKEN, _NO_BUCKET, _REGION)

_SECRETS = (
    (re.compile(r"(?<=://)[^/@\s\"']+@"), "***@"),  # user and password of a proxy or endpoint
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), "***"),
    (re.compile(r"(?i)((?:signature|credential|security-token|secret\w*|session_?token|accesskeyid)[\"']?\s*[=:]\s*)"
                r"[\"']?[^\s&\"',<]+"), r"\1***"),
)  # fmt: skip


def redact(text: str) -> str:
    """Return `text` without access keys, signatures, session tokens and passwords in addresses."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def error_code(error: BaseException) -> str:
    """Return Amazon's code for an error (``"AccessDenied"``), or the name of the client library's exception."""
    # A broken body comes as a ClientError-like exception whose `response` is None.
    response: Any = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def is_transient(error: BaseException) -> bool:
    """Whether the same call may well succeed a moment later: throttling, 5xx, a broken or cut connection."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in _RETRYABLE_CODES or (status >= 500 and status != 501)
    if type(error).__name__ in {"ProxyConnectionError", "SSLError"}:
        return False
    broken = {"IncompleteReadError", "ResponseStreamingError", "FlexibleChecksumError", "AnswerError"}
    return isinstance(error, HTTPClientError) or type(error).__name__ in broken


def is_refusal(error: BaseException) -> bool:
    """Whether the service said that it did nothing, so that nothing can be owed for it."""
    if not isinstance(error, ClientError):
        return False
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return 400 <= status < 500


def remote_error(error: BaseException, doing: str) -> RemoteError:
    """Return Amazon's `error` as one of ours.

    Parameters
    ----------
    error : BaseException
        What boto3 raised.
    doing : str
        What was attempted, as a noun phrase that begins the sentence: ``"Writing s3://b/k"``.
    """
    code = error_code(error)
    detail = redact(str((getattr(error, "response", None) or {}).get("Error", {}).get("Message", "")))
    if not isinstance(error, ClientError):
        cause, fix = _CLIENT_CAUSES.get(code, ("the connection failed", _AGAIN))
        detail = detail or redact(str(error))
        passing = (cause, fix) != _PARAMETER
    elif code.startswith("KMS.") or (
        code in {"AccessDenied", "AccessDeniedException"} and "kms:" in detail.lower()
    ):
        (cause, fix), passing = _KMS, False
    else:
        cause, fix = _CAUSES.get(code, ("the service refused it", _PARAMETER[1]))
        passing = (cause, fix) in _OUTAGES
    said = f"{code}: {detail}" if detail and detail != code else code
    kind = UnavailableError if passing else DeniedError if (cause, fix) == _DENIED else RemoteError
    return kind(f"{doing} failed: {cause} ({said.rstrip('. ')}). {fix}")


@contextmanager
def remote_errors(doing: str) -> Iterator[None]:
    """Turn what boto3 raises inside the block into :class:`RemoteError`; see :func:`remote_error`."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        # The original may quote a proxy's password or a signature, so it is not chained.
        raise remote_error(error, doing) from None
