"""The commands predict, train, adapters and moderate, as a user runs them."""

from __future__ import annotations

import json
import stat

import pytest
import typer
from typer.testing import CliRunner

from manifest_tools.aws.publishing.apply import publish
from manifest_tools.cli import adapters, moderate, predict, train
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.testing import local_rekognition
from tests.videos import make_video

app = typer.Typer(pretty_exceptions_enable=False)
app.command("predict")(predict.predict)
app.command("train")(train.train)
app.command("moderate")(moderate.moderate)
app.add_typer(adapters.app, name="adapters")
NAMES = [f"{n} ü#%.jpg" for n in range(9)]


@pytest.fixture(scope="module")
def server(s3):
    with local_rekognition(s3=s3, training_looks=1) as running:
        yield running


@pytest.fixture
def run(s3, server):
    def invoke(*arguments):
        environment = {**s3.environment, **server.environment}
        result = CliRunner(env=environment).invoke(app, [str(item) for item in arguments])
        for secret in (server.credentials.secret_key, "X-Amz-Signature", "Authorization"):
            assert secret not in result.output
            assert secret not in str(result.exception)
        return result

    return invoke


@pytest.fixture
def folder(prepare, prefix):
    return prepare(NAMES, prefix, magic=b"\xff\xd8\xff")


def test_predicting_shows_the_plan_asks_and_keeps_the_answers(run, folder):
    planned = run("predict", folder, "--dry-run", "--price", "2")
    assert planned.exit_code == 0
    assert "calls       9" in planned.stdout
    assert "cost        0.02" in planned.stdout
    refused = run("predict", folder)
    assert isinstance(refused.exception, InputError)
    assert "--yes" in str(refused.exception)
    done = run("predict", folder, "--yes", "--tps", "500")
    assert done.exit_code == 0
    assert "answers     9" in done.stdout
    assert (Dataset.load(folder).images["predicted"] == "7.0").all()
    again = run("predict", folder, "--format", "json")  # nothing to ask, so no question
    assert json.loads(again.stdout)["statistics"]["valid-json-lines"] == 9


def test_predicting_says_which_images_have_no_answer(run, folder):
    (folder.parent / "images" / NAMES[0]).unlink()
    done = run("predict", folder, "--yes", "--tps", "500")
    assert done.exit_code == 1
    assert f"no answer: {NAMES[0]} cannot be read" in done.stdout


def test_canaries_are_in_the_plan_and_what_they_tell_is_said(run, prepare, prefix, server):
    folder = prepare([f"{n}.jpg" for n in range(12)], prefix, magic=b"\xff\xd8\xff")
    command = ("predict", folder, "--tps", "500")
    assert run(*command, "--canary", "10", "--yes").exit_code == 0
    planned = run(*command, "--dry-run")
    assert "calls       20" in planned.stdout
    assert "canaries    20 of these calls" in planned.stdout
    assert "--yes" in str(run(*command).exception)
    assert (
        "canaries    10 of 10 asked again: no change beyond jitter (p = 1)" in run(*command, "--yes").stdout
    )
    server.set_base_model("7.1")
    told = run(*command, "--yes")
    server.set_base_model("7.0")
    assert "warning: base-model-changed: base model 7.1 answers; 7.0 did before" in told.stderr
    assert "asked again: base-model-changed" in told.stdout
    batches = run(*command, "--run", folder.parent / "run", "--canary", "10", "--yes")
    assert "leave out the rest" in str(batches.exception)


def test_predicting_a_prefix_needs_a_place_for_the_answers(run, folder, client, prefix, tmp_path):
    publish(folder, client=client)
    refused = run("predict", prefix, "--yes")
    assert "--out" in str(refused.exception)
    done = run("predict", prefix + "/", "--out", tmp_path / "answers", "--yes", "--tps", "500")
    assert done.exit_code == 0, done.output
    assert len((tmp_path / "answers" / "predictions.manifest").read_bytes().splitlines()) == 9


def test_the_life_of_an_adapter(run, folder, client, server):
    publish(folder, client=client)
    common = ("--project", "life", "--poll", "0.01")
    planned = run("train", folder, *common, "--dry-run")
    assert "/train-" in planned.stdout
    assert server.calls["CreateProjectVersion"] == 0
    done = run("train", folder, *common, "--yes")
    assert done.exit_code == 0, done.output
    assert "TRAINING_COMPLETED" in done.stdout
    (listed,) = json.loads(run("adapters", "list", "--project", "life", "--format", "json").stdout)
    arn = listed["arn"]
    assert arn in run("adapters", "list").stdout
    assert json.loads(run("train", folder, "--attach", "--format", "json").stdout)["adapter"]["arn"] == arn
    images, out = folder.parent / "images", folder.parent / "moderated"
    moderated = run(
        "moderate", images, "--adapter", arn, "--out", out, "--compare-base", "--yes", "--tps", "500"
    )
    assert moderated.exit_code == 0, moderated.output
    assert "differing" in moderated.stdout
    assert len((out / "moderation.jsonl").read_bytes().splitlines()) == 9
    video = make_video(folder.parent / "clip.mp4")
    clips = run(
        "moderate", video, "--adapter", arn, "--out", folder.parent / "clips", "--yes", "--price", "1"
    )
    assert clips.exit_code == 0, clips.output
    # one frame in two seconds of five, before anything is asked
    assert "calls       3 at most" in clips.stderr
    assert "videos      1 allow, 0 review, 0 block" in clips.stdout
    assert isinstance(run("adapters", "delete", arn).exception, InputError)
    server.set_status(arn, "EXPIRED")
    assert run("adapters", "status", arn).exit_code == 1
    expired = run("moderate", images, "--adapter", arn, "--out", out, "--yes")
    assert expired.exit_code == 1
    assert "adapter-expired" in expired.stderr
    assert "nothing was decided" in expired.stdout
    assert run("adapters", "delete", arn, "--yes").exit_code == 0
    assert "no adapters here" in run("adapters", "list", "--project", "life").stdout


def test_a_failed_training_prints_its_reason_and_exits_with_1(run, folder, client, server):
    publish(folder, client=client)
    server.fail_training("The S3 bucket permissions are incorrect.")
    done = run("train", folder, "--project", "fails", "--yes", "--poll", "0.01")
    server.fail_training("")
    assert done.exit_code == 1
    assert "training failed: The S3 bucket permissions are incorrect. Allow reading" in done.stdout


def test_training_needs_a_project(run, folder):
    assert "--project" in str(run("train", folder, "--yes").exception)


def test_a_decision_file_is_obeyed(run, folder, server, tmp_path):
    arn = "arn:aws:rekognition:us-east-1:111122223333:project/none/version/v/1730000000001"
    rules = tmp_path / "decisions.toml"
    rules.write_text('[labels]\n"Alchohol" = { block = 1 }\n')
    done = run(
        "moderate",
        folder.parent / "images",
        "--adapter",
        arn,
        "--out",
        tmp_path,
        "--decisions",
        rules,
        "--yes",
    )
    assert "nearest: Alcohol" in str(done.exception)


def test_amazons_errors_are_remote_errors(run):
    done = run("adapters", "list", "--region", "eu-west-1")  # not where the local server is
    assert isinstance(done.exception, RemoteError)
    assert "Listing the projects failed" in str(done.exception)


def test_what_cannot_be_written_is_said(run, folder):
    mode = folder.stat().st_mode
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        done = run("predict", folder, "--yes")
    finally:
        folder.chmod(mode)
    assert done.exception is None or "cannot be written" in str(done.exception)  # root may write everywhere
