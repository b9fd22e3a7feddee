"""An evaluation as one HTML page that needs nothing else and shows no picture unasked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from manifest_tools.core.errors import OutputError
from manifest_tools.core.files import replacing
from manifest_tools.evaluation.comparison import ENRICHED, Evaluation
from manifest_tools.evaluation.counts import FORMULA
from manifest_tools.evaluation.decision_file import PROMISE, chart, plan_lines
from manifest_tools.evaluation.text import (
    chance,
    describe_choice,
    describe_slice,
    score,
    share,
    traffic_lines,
)

MAX_PICTURES = 60
Pictures = Mapping[str, tuple[str, bool]]


def render_page(evaluation: Evaluation, pictures: Pictures | None = None) -> str:
    """Return the evaluation as an HTML page.

    Parameters
    ----------
    evaluation : Evaluation
    pictures : mapping of str to (str, bool), optional
        Small pictures of the images of :func:`pictured`, by their address in the manifest: a ``data:`` URI, and
        whether what people see stands beside what the model sees. They stay hidden until the reader reveals each.
    """
    environment = Environment(
        loader=PackageLoader("manifest_tools.evaluation", "."), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "share": share,
        "chance": chance,
        "choice": describe_choice,
        "slice": describe_slice,
        "score": score,
    }
    environment.filters["chart"] = lambda label: Markup(chart(label))  # noqa: S704 - numbers alone
    return environment.get_template("page.html.jinja").render(
        evaluation=evaluation,
        formula=FORMULA,
        enriched=ENRICHED,
        promise=PROMISE,
        plan_lines=plan_lines,
        traffic_lines=traffic_lines,
        pictures=pictures or {},
    )


def write_page(path: str | Path, evaluation: Evaluation, pictures: Pictures | None = None) -> None:
    """Write :func:`render_page` to a file, whole or not at all.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    page = render_page(evaluation, pictures)
    try:
        with replacing(Path(path)) as temporary:
            temporary.write_text(page, encoding="utf-8")
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}; choose a place that you may write to"
        raise OutputError(msg) from error


def pictured(evaluation: Evaluation) -> list[str]:
    """Return of which images the page shows pictures, by their addresses: the first 60 that flipped of each adapter."""
    wanted = {
        image: None
        for item in evaluation.adapters
        for image in list(dict.fromkeys(flip.image for flip in item.flips))[:MAX_PICTURES]
    }
    return list(wanted)
