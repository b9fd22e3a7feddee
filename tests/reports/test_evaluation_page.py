from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from manifest_tools.evaluation import EvaluationFiles, compare_evaluation
from manifest_tools.evaluation.decisions import Limits
from manifest_tools.reports.evaluation_page import pictured, render_page, write_page
from tests.evaluation.samples import ARN, OTHER_ARN, alcohol_lines, line, manifest
from tests.reports.conftest import violations

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACADs="


def test_names_cannot_become_markup() -> None:
    hostile = '<script>alert("x")</script>'
    lines = [*alcohol_lines(), line(hostile, [hostile], {}, {hostile: 99.0})]

    page = render_page(compare_evaluation(EvaluationFiles("x", manifest=manifest(lines))))

    assert hostile not in page
    assert "&lt;script&gt;" in page


def test_the_page_needs_nothing_else() -> None:
    page = render_page(compare_evaluation(EvaluationFiles("x", manifest=manifest(alcohol_lines()))))

    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?!data:)[a-z]+:""", page)
    assert "73 % fewer false negatives (11 of 15; 95 % interval 48 to 89 %)" in page


def test_pictures_are_in_the_page_but_not_shown() -> None:
    evaluation = compare_evaluation(EvaluationFiles("x", manifest=manifest(alcohol_lines())))
    pictures = {
        image: ("data:image/jpeg;base64,", image.endswith("-0.jpg")) for image in pictured(evaluation)
    }

    page = render_page(evaluation, pictures)

    flipped = {f"s3://acme-mod/found-{number}.jpg" for number in range(11)}
    assert set(pictures) == flipped
    assert page.count("data-picture=") == 11
    assert page.count("data-both>") == 1
    assert "Left: what the model sees. Right: what people see." in page
    assert "<img" not in page


def test_writing_is_whole(tmp_path: Path) -> None:
    evaluation = compare_evaluation(EvaluationFiles("x", manifest=manifest(alcohol_lines())))

    write_page(tmp_path / "page.html", evaluation)

    assert (tmp_path / "page.html").read_text(encoding="utf-8") == render_page(evaluation)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of everything: targets, a guard, decisions, flips with pictures, and names that attack it."""
    place = tmp_path_factory.mktemp("rich")
    hostile = '"><img src=x onerror=alert(1)>.jpg'
    lines = [
        *alcohol_lines(),
        line(hostile, ["Violence"], {"Violence": 90.0}, {}),
        *(line(f"caused-{n}.jpg", [], {}, {"Gambling": 60.0 + n}) for n in range(25)),
    ]
    (place / "guard.manifest").write_bytes(manifest(alcohol_lines()))
    evaluation = compare_evaluation(
        EvaluationFiles(ARN, manifest=manifest(lines)),
        targets=["Alcohol:false-negatives"],
        guard=place / "guard.manifest",
        limits=Limits(0.2, 0.2),
        max_false_positive_rate=0.05,
    )
    write_page(place / "page.html", evaluation, dict.fromkeys(pictured(evaluation), (PIXEL, True)))
    return place / "page.html"


@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_at_every_width_and_without_a_word_from_elsewhere(
    browser: Any, rich: Path, scheme: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.goto(rich.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").inner_text() == "bar / v3"
    assert violations(page) == []
    assert page.locator("img").count() == 0
    button = page.locator("button.reveal").first
    button.click()
    assert page.locator("img").count() == 1
    assert page.get_by_text("Left: what the model sees. Right: what people see.").count() == 1
    button.click()
    assert page.locator("img").count() == 0
    assert problems == []
    context.close()


def test_the_verdict_comes_first_and_targets_before_other_labels(rich: Path) -> None:
    page = rich.read_text(encoding="utf-8").partition("<body>")[2]
    said = [
        "adapter made 2024-10-27",
        "Better in part: 1 of 1 target reached",
        "Target Alcohol, false negatives: 73 % fewer",
    ]
    places = [
        page.index(words)
        for words in (
            *said,
            "Worse at Gambling: 25 false positives",
            'aria-label="Alcohol"',
            'aria-label="Gambling"',
        )
    ]
    assert places == sorted(places)
    assert page.count('<polyline class="adapter"') >= 2


def test_several_adapters_stand_side_by_side() -> None:
    other = EvaluationFiles(OTHER_ARN, manifest=manifest(alcohol_lines(found=9, missed=4, arn=OTHER_ARN)))
    page = render_page(compare_evaluation(EvaluationFiles(ARN, manifest=manifest(alcohol_lines())), other))
    assert "2 adapters side by side" in page
    assert "Compared on the 23 test images that all of them were tested on" in page
    assert page.index("bar / v3") < page.index("bar / v4")
