from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from manifest_tools.cli import evaluate, publish
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.testing import LocalS3
from tests.evaluation.samples import alcohol_lines, manifest

app = typer.Typer(pretty_exceptions_enable=False)
app.command("publish")(publish.publish)
app.command("evaluate")(evaluate.evaluate)


@pytest.fixture
def run(s3: LocalS3) -> Callable[..., Result]:
    def invoke(*arguments: object) -> Result:
        return CliRunner(env=s3.environment).invoke(app, [str(item) for item in arguments])

    return invoke


def test_publishing_needs_a_yes(
    run: Callable[..., Result], prefix: str, prepare: Callable[..., Path]
) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)

    result = run("publish", out)

    assert isinstance(result.exception, InputError)
    assert "--yes" in str(result.exception)
    assert "2 to send" in result.stderr


def test_publishing(run: Callable[..., Result], prefix: str, prepare: Callable[..., Path]) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)

    first, again = run("publish", out, "--yes"), run("publish", out)

    assert first.exit_code == again.exit_code == 0
    assert "4 objects sent, 0 were there already; all verified" in first.stdout
    assert f"{prefix}/train-" in first.stdout
    assert "0 objects sent, 4 were there already" in again.stdout


def test_a_dry_run_shows_the_plan(
    run: Callable[..., Result], client: Any, prefix: str, prepare: Callable[..., Path]
) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)

    result = run("publish", out, "--dry-run", "--format", "json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["plan"]["images"] == {"send": 2}
    assert "Contents" not in client.list_objects_v2(
        Bucket="pictures", Prefix=prefix.removeprefix("s3://pictures/")
    )


def test_what_is_in_the_way_ends_with_one(
    run: Callable[..., Result], prefix: str, prepare: Callable[..., Path]
) -> None:
    out = prepare(["a.jpg", "b.jpg"], prefix)
    (out.parent / "images/a.jpg").unlink()

    result = run("publish", out, "--yes")

    assert result.exit_code == 1
    assert "image-missing" in result.stdout
    assert "no manifest was written" in result.stdout


def test_the_policies_need_no_account(run: Callable[..., Result], prepare: Callable[..., Path]) -> None:
    out = prepare(["a.jpg", "b.jpg"], "s3://acme/mod")

    result = run("publish", out, "--print-policy")

    policies = json.loads(result.stdout)
    assert set(policies) == {"preparing", "reviewing", "production", "bucket_policy"}
    guarded = run("publish", out, "--print-policy", "--account", "111122223333").stdout
    assert guarded.count("111122223333") == 10
    assert run("publish", out, "--print-policy", "--account", "1").exit_code != 0
    assert "arn:aws:s3:::acme/mod/*" in result.stdout


def test_secrets_stay_out_of_everything(
    s3: LocalS3, prefix: str, prepare: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    out = prepare(["a.jpg", "b.jpg"], prefix)
    environment = s3.environment | {
        "AWS_ACCESS_KEY_ID": s3.reader.access_key,
        "AWS_SECRET_ACCESS_KEY": s3.reader.secret_key,
    }

    result = CliRunner(env=environment).invoke(app, ["publish", str(out), "--yes"])

    assert isinstance(result.exception, RemoteError)
    everything = result.output + str(result.exception) + caplog.text
    assert s3.reader.secret_key not in everything
    assert s3.reader.access_key not in everything


def test_evaluating_files(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "out.manifest"
    path.write_bytes(manifest(alcohol_lines()))

    result = run("evaluate", path, "--max-false-positive-rate", 0.1, "--html", tmp_path / "page.html")

    assert result.exit_code == 0
    assert "73 % fewer false negatives (11 of 15; 95 % interval 48 to 89 %)" in result.stdout
    assert "Best threshold" in result.stdout
    assert (tmp_path / "page.html").is_file()
    assert json.loads(run("evaluate", path, "--format", "json").stdout)["adapters"][0]["test_images"] == 25


def test_evaluating_with_the_data_set(
    run: Callable[..., Result], prefix: str, prepare: Callable[..., Path], client: Any, tmp_path: Path
) -> None:
    out = prepare([f"found-{i}.jpg" for i in range(4)], "s3://acme-mod")
    path = tmp_path / "out.manifest"
    path.write_bytes(manifest(alcohol_lines()))

    result = run("evaluate", path, "--data", out)

    assert "25 groups of look-alikes" in result.stdout


def test_hostile_names_cannot_steer_the_terminal(run: Callable[..., Result], tmp_path: Path) -> None:
    lines = alcohol_lines()
    lines[0]["source-ref"] = "s3://acme-mod/\x1b[2J.jpg"
    path = tmp_path / "out.manifest"
    path.write_bytes(manifest(lines))

    result = run("evaluate", path)

    assert "\x1b" not in result.stdout
    assert r"\x1b[2J.jpg" in result.stdout
