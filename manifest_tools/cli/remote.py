"""Options and manners that the commands on Amazon's side share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from manifest_tools.cli.console import printable, say
from manifest_tools.core.errors import InputError

if TYPE_CHECKING:
    from manifest_tools.aws.prices import Price as PriceOfCalls

_AMAZON = "Amazon"

Profile = Annotated[
    str | None, typer.Option(help="Profile of the AWS configuration files.", rich_help_panel=_AMAZON)
]
Region = Annotated[
    str | None, typer.Option(help="AWS region; the bucket must be in the same.", rich_help_panel=_AMAZON)
]
EndpointUrl = Annotated[
    str | None,
    typer.Option(
        help="Address of another server than Amazon's, for all that is asked of S3 and Rekognition.",
        rich_help_panel=_AMAZON,
        metavar="URL",
    ),
]
CONNECTION = {"profile": Profile, "region": Region, "endpoint_url": EndpointUrl}
_SERVED = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_REKOGNITION")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")  # they would go before a profile
RequesterPays = Annotated[
    bool, typer.Option(help="Accept to be charged for a bucket that asks for it.", rich_help_panel=_AMAZON)
]
Tps = Annotated[
    str | None,
    typer.Option(
        "--tps",
        metavar="N|auto",
        help="Calls per second that the account may make in the region; auto: ask for the account's quota.",
    ),
]
Price = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Price of a thousand images, to announce the cost; default: the account's price list, or a dated table.",
    ),
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        metavar="MONEY",
        help="Stop before this run would cost more; 0: make no paid call. Everything is kept, and the same command goes on.",
    ),
]
TrainingPrice = Annotated[
    float | None,
    typer.Option("--training-price", help="Price of an hour of training; no public table has it.", min=0),
]
Threads = Annotated[int, typer.Option("--workers", help="Requests under way at a time.", min=1, max=256)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


@contextmanager
def connection(profile: str | None, region: str | None, endpoint_url: str | None) -> Iterator[None]:
    """Let profile, region and address be in force for every client that is made meanwhile, in worker processes too."""
    wanted: dict[str, str | None] = {}
    if profile is not None:
        wanted |= {"AWS_PROFILE": profile, **dict.fromkeys(_KEYS)}
    if region is not None:
        wanted |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    if endpoint_url is not None:
        wanted |= dict.fromkeys(_SERVED, endpoint_url)
    before = {name: os.environ.get(name) for name in wanted}
    _set(wanted)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def rate(tps: str | None, client: Any, *, profile: str | None = None) -> float | None:
    """Return the calls per second of `--tps`; None where nothing is said.

    Raises
    ------
    InputError
        It is neither a number nor auto.
    RemoteError
        The account's quota cannot be read.
    """
    if tps is None:
        return None
    if tps.strip().lower() == "auto":
        from manifest_tools.aws.quotas import account_tps
        from manifest_tools.aws.region_offer import is_amazons
        from manifest_tools.storage.aws_clients import make_client

        if not is_amazons(client):
            raise InputError(
                "--tps auto asks Amazon for the account's quota; for another server give a number"
            )
        return account_tps(make_client("service-quotas", profile=profile, region=client.meta.region_name))
    return calls_a_second(tps)


def calls_a_second(tps: str) -> float:
    """Return the number that `--tps` gives.

    Raises
    ------
    InputError
        It is none.
    """
    try:
        return float(tps)
    except ValueError:
        raise InputError(f"--tps is {tps!r}; expected a number of calls per second, or auto") from None


def price(
    given: float | None, client: Any, *, adapter: bool, profile: str | None = None
) -> PriceOfCalls | None:
    """Return the price of a thousand calls: as given, as the account's price list says, or as a dated table does."""
    from manifest_tools.aws.prices import price_of_calls
    from manifest_tools.aws.region_offer import is_amazons
    from manifest_tools.storage.aws_clients import make_client

    if given is None and not is_amazons(client):
        return None
    listing = (
        None if given is not None else make_client("pricing", profile=profile, region="us-east-1", attempts=1)
    )
    return price_of_calls(client.meta.region_name, adapter=adapter, given=given, client=listing)


def require_price(max_cost: float | None, *prices: PriceOfCalls | None) -> None:
    """Refuse a limit that cannot be kept, before a plan is shown.

    Raises
    ------
    InputError
        There is a limit, and the price of a call is not known; or one of them is no amount of money.
    """
    from manifest_tools.aws.prediction.budget import Budget, Purse

    for one in prices:
        Budget(Purse(max_cost), None if one is None else one.thousand)


def terms(client: Any, *, profile: str | None = None) -> list[str]:
    """Return the line of a plan that says whether the account has opted out of its content being used by Amazon.

    Of other people's servers nothing is said.
    """
    from manifest_tools.aws.opt_out import PAGE, opt_out_status
    from manifest_tools.aws.region_offer import is_amazons
    from manifest_tools.storage.aws_clients import make_client

    if not is_amazons(client):
        return []
    organization = make_client("organizations", profile=profile, region="us-east-1", attempts=1)
    return [f"content     use by Amazon to improve the service: {opt_out_status(organization)} ({PAGE})"]


def require_offer(client: Any, what: str) -> None:
    """Refuse a Region that is known to lack something, where Amazon is asked.

    Raises
    ------
    InputError
        It is.
    """
    from manifest_tools.aws.region_offer import is_amazons
    from manifest_tools.aws.region_offer import require_offer as require

    if is_amazons(client):
        require(client.meta.region_name, what)


def require_answers_in_manifests(folder: Path) -> None:
    """Refuse a folder in which people answered after its manifests were written.

    Raises
    ------
    InputError
        There are such answers.
    """
    from manifest_tools.review.journal import merge_journal

    steps = [entry["step"] for entry in merge_journal(folder).history]
    if "review" in steps and not {"split", "select"} & set(steps[len(steps) - steps[::-1].index("review") :]):
        msg = (
            f"{folder} holds answers that its manifests do not know; run 'manifest-tools split {folder}', "
            "or prepare again, first"
        )
        raise InputError(msg)


def confirm(plan: Iterable[str], *, yes: bool) -> bool:
    """Show a plan on standard error and ask, unless `yes`.

    Raises
    ------
    InputError
        There is nobody to ask: standard input is no terminal.
    """
    for line in plan:
        say(printable(line))
    if yes:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError("this changes things on Amazon's side and there is no terminal to ask on; add --yes")
    return typer.confirm("Go on?", default=False, err=True)
