"""``manifest-tools init``: a project file, so that no command needs an argument."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from manifest_tools.cli import options, remote
from manifest_tools.cli.console import printable, show
from manifest_tools.cli.next_line import show_next
from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import CURRENT

if TYPE_CHECKING:
    from manifest_tools.pipeline.prepare_options import PrepareOptions

_DIR = "prepared"


def init(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where the project file goes.")] = Path(),
    images: Annotated[
        str, typer.Option(metavar="IMAGES", help="As 'prepare' takes it, and so are the others.")
    ] = "",
    labels: Annotated[list[str] | None, typer.Option(metavar="FILE|folders", help="Repeatable.")] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="[FILE=]MAP", help="Repeatable.")
    ] = None,
    predictions: Annotated[str, typer.Option(metavar="FILE", help="The base model's answers.")] = "",
    target: options.Targets = None,
    to: Annotated[
        str, typer.Option(metavar="s3://BUCKET/PREFIX", help="Where the images will be uploaded.")
    ] = "",
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the results go.")] = _DIR,
    policy: options.PolicyFile = None,
    taxonomy: options.TaxonomyVersion = CURRENT,
    project: Annotated[str, typer.Option(help="Rekognition's project, in which adapters are trained.")] = "",
    profile: remote.Profile = None,
    region: remote.Region = None,
    endpoint_url: remote.EndpointUrl = None,
) -> None:
    """Write a commented manifest-tools.toml, which every command finds from its folder and any below.

    On a terminal it asks for what is not given. Keys are the names of options, and options that are given to a
    command go before it.
    """
    from manifest_tools.pipeline.prepare_options import PrepareOptions
    from manifest_tools.pipeline.project_draft import write_project

    told = PrepareOptions.of(locals())
    if not images:
        told, out = _asked(told, out)
    names = ("project", "profile", "region", "endpoint_url")
    given = dict(zip(names, (project, profile, region, endpoint_url), strict=True))
    others = {name.replace("_", "-"): value for name, value in given.items() if value}
    path = write_project(folder, told, out, others)
    show(printable(f"wrote {path}"))
    show_next(folder / out)


def _asked(told: PrepareOptions, out: str) -> tuple[PrepareOptions, str]:
    """Ask for what is not given.

    Raises
    ------
    InputError
        There is nobody to ask.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError("say where the images are: --images FOLDER (there is no terminal to ask on)")

    def ask(question: str, default: str = "") -> str:
        answer: str = typer.prompt(question, default=default, show_default=bool(default), err=True)
        return answer.strip()

    images = ""
    while not images:
        images = ask("Images (a folder, a manifest, or s3://bucket/prefix)")
    labels = told.labels or tuple(filter(None, [ask("Labels (a file, 'folders', or nothing)")]))
    to = told.to or ask("Where the images will be in S3 (s3://bucket/prefix, or nothing)")
    wanted = told.target or tuple(
        filter(None, [ask("What to fix (such as Alcohol:false-positives, or nothing)")])
    )
    out = ask("Folder for the results", out)
    return replace(told, images=images, labels=labels, to=to, target=wanted), out
