from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from manifest_tools.cli import app
from manifest_tools.core.errors import OutputError

QUEUE = "image,decision,reason,date\na.jpg,rejected,alcohol,2025-01-01\nb.jpg,rejected,Alchohol,2025-01-01\nc.jpg,approved,,2025-01-01\n"
DRAFT = "category,label,suggestions,count\nAlchohol,,Alcohol,1\nalcohol,Alcohol,,1\napproved,,Safe,1\n"


@pytest.fixture
def queue(tmp_path):
    path = tmp_path / "queue.csv"
    path.write_text(QUEUE, encoding="utf-8")
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["map", *map(str, arguments)])


def test_the_draft_goes_to_standard_output_and_the_rest_does_not(queue):
    result = run(queue)

    assert result.exit_code == 0
    assert result.stdout == DRAFT
    assert result.stderr == "decisions: 3 categories, 1 filled in, 2 for you to say\n"


def test_the_draft_goes_to_a_file_once(queue, tmp_path):
    out = tmp_path / "mapping.csv"

    assert run(queue, "--out", out, "--quiet").output == ""
    assert out.read_text(encoding="utf-8") == DRAFT
    out.write_text(DRAFT + "mine,Alcohol,,1\n", encoding="utf-8")
    assert isinstance(run(queue, "--out", out).exception, OutputError)


def test_a_mapping_in_a_file_goes_on_to_prepare(queue, tmp_path):
    out = tmp_path / "mapping.csv"
    prepare = f"next        manifest-tools prepare IMAGES --labels {queue} --map {out} --to s3://BUCKET/PREFIX --out DIR"

    assert run(queue, "--out", out).stderr.splitlines()[-1] == (
        f"{prepare}  (once every line of {out} has its label)"
    )
    out.write_text("category,label\nAlchohol,Alcohol\nalcohol,Alcohol\napproved,Safe\n", encoding="utf-8")
    assert run(queue, "--update", out).stderr.splitlines()[-1].startswith(prepare)


def test_the_draft_as_json(queue):
    rows = json.loads(run(queue, "--format", "json").stdout)

    assert rows[0] == {"category": "Alchohol", "label": "", "suggestions": ["Alcohol"], "count": 1}


def test_safe_names_are_filled_in(queue):
    assert "approved,approved,,1" in run(queue, "--safe-names", "approved").stdout
