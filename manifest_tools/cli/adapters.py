"""``manifest-tools adapters``: list them, look at one, delete one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from manifest_tools.cli import completion, options, remote
from manifest_tools.cli.commands import Command, Group
from manifest_tools.cli.console import finding_line, printable, say, show
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.errors import RemoteError
from manifest_tools.core.text import to_json

if TYPE_CHECKING:
    from manifest_tools.aws.training.adapters import Adapter

app = typer.Typer(cls=Group, no_args_is_help=True, help="List adapters, look at one, or delete one.")
_ATTEMPTS = 5

Arn = Annotated[str, typer.Argument(metavar="ARN", help="The adapter.", autocompletion=completion.adapters)]


@app.command("list", cls=Command)
def list_all(
    project: Annotated[str | None, typer.Option(help="Of this project only.")] = None,
    profile: remote.Profile = None,
    region: remote.Region = None,
    endpoint_url: remote.EndpointUrl = None,
    format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """List the adapters of the account in one region."""
    from manifest_tools.aws.training.adapters import list_adapters

    found = list(list_adapters(_client(profile, region, endpoint_url), project=project))
    if format is options.OutputFormat.JSON:
        show(to_json([adapter.to_dict() for adapter in found], indent=1))
        return
    for adapter in found:
        show(printable(f"{adapter.status:<20} {adapter.project}/{adapter.version}  {adapter.arn}"))
    if not found:
        show("no adapters here; --region and --profile choose another place")
    show_next(None)


@app.command("status", cls=Command)
def status(
    arn: Arn,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Prepared folder whose canaries know when a new base model came."
        ),
    ] = None,
    profile: remote.Profile = None,
    region: remote.Region = None,
    endpoint_url: remote.EndpointUrl = None,
    format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Show how an adapter stands; exit code 1 when it does not answer, or will expire.

    Once a newer base model is seen (in adapters of the account, and in the canaries of --data), the days between which
    the adapter expires are told: Amazon documents 60 to 90 days after the release.
    """
    from manifest_tools.aws.training.adapters import adapter_status, list_adapters
    from manifest_tools.aws.training.expiry import expiry_findings, expiry_window, sightings

    client = _client(profile, region, endpoint_url)
    adapter = adapter_status(client, arn)
    try:
        others = list(list_adapters(client))
    except RemoteError:  # these credentials may look at the one alone
        others = []
    findings = expiry_findings(
        adapter, expiry_window(adapter.base_model, sightings([adapter, *others], data))
    )
    if format is options.OutputFormat.JSON:
        show(to_json(adapter.to_dict() | {"findings": [found.to_dict() for found in findings]}, indent=1))
    else:
        for found in findings:
            say(printable(finding_line(found)))
        for line in _lines(adapter):
            show(printable(line))
    show_next(None, format)
    raise typer.Exit(0 if adapter.usable and not findings else 1)


@app.command("delete", cls=Command)
def delete(
    arn: Arn,
    yes: remote.Yes = False,
    profile: remote.Profile = None,
    region: remote.Region = None,
    endpoint_url: remote.EndpointUrl = None,
) -> None:
    """Delete an adapter, for good; its project stays."""
    from manifest_tools.aws.training.adapters import adapter_status, delete_adapter

    client = _client(profile, region, endpoint_url)
    adapter = adapter_status(client, arn)
    if not remote.confirm([*_lines(adapter), "It will be deleted, and cannot be brought back."], yes=yes):
        raise typer.Exit(1)
    delete_adapter(client, arn)
    show(printable(f"deleted {arn}"))
    show_next(None)


def _client(profile: str | None, region: str | None, endpoint_url: str | None) -> Any:
    from manifest_tools.storage.aws_clients import make_client

    # Few calls and no rate to keep: here the client library may retry.
    return make_client(
        "rekognition", profile=profile, region=region, endpoint_url=endpoint_url, attempts=_ATTEMPTS
    )


def _lines(adapter: Adapter) -> Iterator[str]:
    yield f"adapter     {adapter.project}/{adapter.version}"
    yield f"arn         {adapter.arn}"
    yield f"status      {adapter.status}: {adapter.message}"
    yield f"base model  {adapter.base_model or 'not known'}"
    yield f"created     {adapter.created or 'not known'}"
    if adapter.threshold is not None:
        yield f"threshold   {adapter.threshold:g}"
    if adapter.f1 is not None:
        yield f"F1          {adapter.f1:.3f} (Amazon's figure; 'manifest-tools evaluate' says how sure it is)"
