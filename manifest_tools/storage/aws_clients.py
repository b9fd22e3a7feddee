"""boto3 clients with the settings that our measurements ask for."""

from __future__ import annotations

from functools import cache
from typing import Any

from manifest_tools.core.errors import InputError

# The caller of Rekognition keeps its own rate and its own queue of retries: a retry inside the client would
# break the rate. For S3 the legacy mode loses nothing; the adaptive one slows a whole client down by 14 to 20
# times when a tenth of the calls is told to slow down, and the standard one stops retrying when its quota is out.
_ATTEMPTS = {"rekognition": 1}
_S3_ATTEMPTS = 3  # the storage has tries of its own around these


def make_client(
    service: str,
    *,
    profile: str | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    attempts: int | None = None,
    max_connections: int = 64,
) -> Any:
    """Return a thread-safe boto3 client.

    Credentials, proxies and everything that is not given here come from where boto3 users expect them:
    environment, ``~/.aws`` files, container or instance.

    Parameters
    ----------
    service : str
        ``"s3"``, ``"rekognition"``, ``"sts"``, ...
    profile, region, endpoint_url : str, optional
        As in boto3.
    attempts : int, optional
        How often a call is made at most. Default: 1 for Rekognition, 3 for the others.
    max_connections : int
        Size of the connection pool: at least the number of threads that share the client.

    Raises
    ------
    InputError
        Unknown profile, no region, or a malformed endpoint.
    """
    import boto3  # noqa: PLC0415  # half a second that only remote work should pay
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    from manifest_tools.storage.answers import checked  # noqa: PLC0415

    total = attempts or _ATTEMPTS.get(service, _S3_ATTEMPTS)
    config = Config(
        retries={"mode": "legacy", "total_max_attempts": total},
        max_pool_connections=max_connections,
        connect_timeout=10,
        read_timeout=60,
        user_agent_extra="manifest-tools",
    )
    try:
        core = Session(profile=profile)
        models = _models(core.get_config_variable("data_path"))
        core.register_component("data_loader", models)
        session = boto3.Session(region_name=region, botocore_session=core)
        models.search_paths[:] = dict.fromkeys(models.search_paths)  # each session adds boto3's folder
        return checked(session.client(service, endpoint_url=endpoint_url, config=config))  # type: ignore[call-overload]
    except (BotoCoreError, ValueError) as error:
        raise InputError(_settings_problem(error, service, region)) from None


@cache
def _models(places: str | None) -> Any:
    """Return what reads the descriptions of services: one for all clients, for it remembers what took long to read."""
    from botocore.loaders import create_loader  # noqa: PLC0415

    return create_loader(places)


def _settings_problem(error: Any, service: str, region: str | None) -> str:
    from manifest_tools.storage.aws_errors import redact  # noqa: PLC0415  # failures loads botocore

    name = type(error).__name__
    if name == "ProfileNotFound":
        wanted = error.kwargs["profile"]  # as given, or AWS_PROFILE
        return (
            f"There is no AWS profile named {wanted!r}. `aws configure list-profiles` lists the known ones."
        )
    if name == "NoRegionError":
        return f"No AWS region is set for {service}. Give --region, or set AWS_DEFAULT_REGION."
    where = f" (region {region})" if region else ""
    return f"The AWS settings for {service}{where} cannot be used: {redact(str(error))}"
