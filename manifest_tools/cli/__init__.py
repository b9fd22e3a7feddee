"""The command line: thin commands over the library, one module each."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from manifest_tools.cli import check, explain, inspect, prepare, split, taxonomy
from manifest_tools.cli import map as mapping
from manifest_tools.cli.console import say
from manifest_tools.errors import ManifestToolsError, RemoteError

FAILED_USAGE, FAILED_REMOTE, INTERRUPTED = 2, 3, 130

app = typer.Typer(
    name="manifest-tools",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_LOCAL, _FILES, _FACTS = "On this machine", "Manifest files", "Look up"
app.command("prepare", rich_help_panel=_LOCAL)(prepare.prepare)
app.command("inspect", rich_help_panel=_LOCAL)(inspect.inspect)
app.command("split", rich_help_panel=_LOCAL)(split.split)
app.command("check", rich_help_panel=_LOCAL)(check.check)
app.command("map", rich_help_panel=_LOCAL)(mapping.map_categories)
app.command("taxonomy", rich_help_panel=_FACTS)(taxonomy.taxonomy)
app.command("explain", rich_help_panel=_FACTS)(explain.explain)


def _version(wanted: bool) -> None:
    if wanted:
        from manifest_tools.dataset import library_version

        typer.echo(f"manifest-tools {library_version()}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Get images ready to train an Amazon Rekognition Custom Moderation adapter.

    Start with **prepare**: it reads a folder of images and a table of labels, and writes train.manifest,
    test.manifest and a report that says whether they are ready, and if not, what is missing. No AWS account
    is needed for that.

    Exit codes: 0 passed, 1 findings, 2 usage or broken surroundings, 3 the remote side failed, 130 interrupted.
    """


def main() -> None:
    """Run the command line; every foreseen problem is one line on standard error and an exit code."""
    try:
        app()
    except RemoteError as error:
        _fail(str(error), FAILED_REMOTE)
    except ManifestToolsError as error:
        _fail(str(error), FAILED_USAGE)
    except KeyboardInterrupt:
        _fail("interrupted; what was there before is unchanged", INTERRUPTED)
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def _fail(message: str, code: int) -> None:
    say(f"manifest-tools: {message}")
    raise SystemExit(code) from None
