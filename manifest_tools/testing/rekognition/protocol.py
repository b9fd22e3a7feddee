"""Amazon's JSON protocol, by botocore's model of the service: read and check a call, check and write its answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from manifest_tools.aws.request_checks import violations

CONTENT_TYPE = "application/x-amz-json-1.1"


class ServiceError(Exception):
    """An error that the service answers with.

    Parameters
    ----------
    code : str
        Amazon's name for it.
    message : str
    status : int
        HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def body(self) -> bytes:
        """Return the answer's body."""
        return json.dumps({"__type": self.code, "Message": str(self)}).encode()


@cache
def service_model() -> Any:
    """Return botocore's model of Rekognition."""
    return ServiceModel(create_loader().load_service_model("rekognition", "service-2"), "rekognition")


def read_call(operation: str, body: bytes) -> dict[str, Any]:
    """Return the parameters of a call, decoded.

    Raises
    ------
    ServiceError
        The body is not what the model asks for: members, types, limits, enumerations and patterns.
    """
    if operation not in service_model().operation_names:
        raise ServiceError("UnknownOperationException", f"Rekognition has no operation {operation!r}")
    shape = service_model().operation_model(operation).input_shape
    try:
        parameters = _convert(shape, json.loads(body or b"{}"), _decode)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ServiceError("SerializationException", f"the request cannot be read: {error}") from error
    faults = _faults(shape, parameters)
    if faults:
        raise ServiceError("ValidationException", f"{len(faults)} validation error(s): {'; '.join(faults)}")
    return dict(parameters)


def write_answer(operation: str, answer: Mapping[str, Any]) -> bytes:
    """Return the body of an answer, which the model has to allow too."""
    shape = service_model().operation_model(operation).output_shape
    faults = _faults(shape, answer)
    if faults:
        raise AssertionError(f"{operation} would answer what the service cannot: {'; '.join(faults)}")
    return json.dumps(_convert(shape, answer, _encode)).encode()


def check_signature(headers: Mapping[str, str], body: bytes, credentials: Any, region: str) -> None:
    """Compare the signature of a ``POST /`` with our own of the same request.

    Raises
    ------
    ServiceError
        Unknown key, another region, or a signature made with another secret.
    """
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    access_key, _, scope = parts.get("Credential", "").partition("/")
    if scheme != "AWS4-HMAC-SHA256" or access_key != credentials.access_key:
        raise ServiceError(
            "UnrecognizedClientException", "The security token in the request is invalid.", 403
        )
    if scope.split("/")[1:3] != [region, "rekognition"]:
        raise ServiceError("InvalidSignatureException", f"Credential should be scoped to {region}.", 403)
    signed = {name: headers.get(name, "") for name in parts.get("SignedHeaders", "").split(";")}
    request = AWSRequest(method="POST", url=f"http://{headers.get('host', '')}/", data=body, headers=signed)
    request.context["timestamp"] = headers.get("x-amz-date", "")
    signer = SigV4Auth(credentials, "rekognition", region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    if signer.signature(text, request) != parts.get("Signature"):
        message = "The request signature we calculated does not match the signature you provided."
        raise ServiceError("InvalidSignatureException", message, 403)


def _faults(shape: Any, value: Mapping[str, Any]) -> list[str]:
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        return str(report.generate_report()).splitlines()
    return list(violations(shape, value))


def _convert(shape: Any, value: Any, leaf: Callable[[Any, Any], Any]) -> Any:
    """Apply `leaf` to every simple value of a structure."""
    kind = shape.type_name
    if value is None:
        return None
    if kind == "structure":
        members = shape.members
        return {
            name: _convert(members[name], item, leaf) if name in members else item
            for name, item in value.items()
            if item is not None
        }
    if kind == "list":
        return [_convert(shape.member, item, leaf) for item in value]
    if kind == "map":
        return {key: _convert(shape.value, item, leaf) for key, item in value.items()}
    return leaf(shape, value)


def _decode(shape: Any, value: Any) -> Any:
    return base64.b64decode(value, validate=True) if shape.type_name == "blob" else value


def _encode(shape: Any, value: Any) -> Any:
    if shape.type_name == "timestamp":
        assert isinstance(value, datetime)
        return value.timestamp()
    return value
