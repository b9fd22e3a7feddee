"""An evaluation as one HTML page that needs nothing else and shows no picture unasked."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from manifest_tools.core.errors import OutputError
from manifest_tools.core.files import replacing
from manifest_tools.evaluation.comparison import ENRICHED, Comparison, Evaluation
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

_SIDE = 240  # pixels of a thumbnail
MAX_PICTURES = 60


def render_page(evaluation: Evaluation, pictures: Mapping[str, Path] | None = None) -> str:
    """Return the evaluation as an HTML page.

    Parameters
    ----------
    evaluation : Evaluation
    pictures : mapping of str to Path, optional
        Local files of test images, by their address in the manifest. Thumbnails of images that flipped are put
        into the page, the first 60 of each adapter; they stay hidden until the reader reveals each.
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
        thumbnails={item.adapter: _thumbnails(item, pictures or {}) for item in evaluation.adapters},
    )


def write_page(path: str | Path, evaluation: Evaluation, pictures: Mapping[str, Path] | None = None) -> None:
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


def _thumbnails(item: Comparison, pictures: Mapping[str, Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for flip in item.flips:
        if len(found) == MAX_PICTURES:
            break
        if flip.image in pictures and flip.image not in found:
            thumbnail = _thumbnail(pictures[flip.image])
            if thumbnail:
                found[flip.image] = thumbnail
    return found


def _thumbnail(path: Path) -> str:
    """Return a small JPEG as base64 text; empty when the picture cannot be read, which others report."""
    from PIL import Image  # noqa: PLC0415 - only pages with pictures need it

    from manifest_tools.core.two_views import side_by_side, two_views  # noqa: PLC0415

    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (_SIDE, _SIDE))
            small = side_by_side(two_views(picture, _SIDE))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=70)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
