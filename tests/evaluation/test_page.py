from __future__ import annotations

import re
from pathlib import Path

from manifest_tools.evaluation import EvaluationFiles, compare_evaluation
from manifest_tools.evaluation.page import pictured, render_page, write_page
from tests.evaluation.samples import alcohol_lines, line, manifest


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
