"""Money and time of a round, as the commands tell them before anything is paid and after."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from manifest_tools.aws.costs import costs_of
from manifest_tools.aws.publishing.apply import publish
from manifest_tools.cli import moderate, predict, train
from manifest_tools.core.errors import InputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.outcomes import compare
from manifest_tools.findings.policy import Policy
from manifest_tools.review.entries import Look, Remark, ReviewedImage, Said
from manifest_tools.review.journal import ReviewJournal
from manifest_tools.review.second_look import SecondLook
from manifest_tools.testing import local_rekognition

app = typer.Typer(pretty_exceptions_enable=False)
for command in (predict.predict, train.train, moderate.moderate):
    app.command(command.__name__)(command)
NAMES = [f"{n}.jpg" for n in range(9)]
PAID = ("DetectModerationLabels", "CreateProjectVersion")


@pytest.fixture(scope="module")
def running(s3):
    with local_rekognition(s3=s3, answer=lambda _: {"Drinking": 90.0}, training_looks=0) as server:
        yield server


@pytest.fixture
def server(running):
    running.calls.clear()
    return running


@pytest.fixture
def run(s3, server):
    def invoke(*arguments):
        runner = CliRunner(env={**s3.environment, **server.environment})
        return runner.invoke(app, [str(item) for item in arguments])

    return invoke


@pytest.fixture
def folder(prepare, prefix):
    return prepare(NAMES, prefix, magic=b"\xff\xd8\xff", size=20_000)


@pytest.fixture
def unlabelled(folder):
    """Take the labels away from the folder: nobody looked at its images yet."""
    dataset = Dataset.load(folder)
    replace(dataset, images=dataset.images.assign(judged=""), labels=dataset.labels[:0]).save(folder)
    return folder


def lines(text):
    """The plan's lines by their first word."""
    return {line.split()[0]: " ".join(line.split()[1:]) for line in text.splitlines() if line.strip()}


def test_the_plan_of_a_round_says_what_is_known_and_what_is_not(run, unlabelled, server):
    planned = run("predict", unlabelled, "--dry-run", "--price", "2")
    assert planned.exit_code == 0, planned.output
    told = lines(planned.stdout.partition("the round")[2])
    assert told["asking"].startswith("9 calls: base model 0.02 by --price; adapter cost not known")
    assert (
        told["time"] == "0 s at 50 calls a second in us-east-1, 0 s at 50 in eu-west-1, us-east-1, us-west-2"
    )
    assert told["storage"].startswith("0.00018 GB")
    assert told["training"].startswith("not known: nothing was trained from here yet")
    assert told["evaluation"].startswith("no paid call")
    assert told["people"].startswith(
        "9 images for a first answer, 0 for a second look; how long an answer takes"
    )
    assert told["so"] == "far 0.00 (0 calls, 0.00 hours of training)"
    assert not any(server.calls[name] for name in PAID)


def test_people_take_as_long_as_the_journal_measured(run, unlabelled):
    journal = ReviewJournal.of(unlabelled)
    for name, seconds in zip(NAMES[:3], (4.0, 8.0, 4000.0), strict=True):
        journal.append(
            "ana",
            images=[ReviewedImage(name)],
            answers=[Said("Alcohol", True)],
            remark=Remark(seconds=seconds),
        )
    people = lines(run("predict", unlabelled, "--dry-run").stdout)["people"]
    assert people.startswith(
        "6 images for a first answer, 0 for a second look: 36 s at 6.0 s, the mean of 2 timed"
    )


def test_after_a_training_its_hours_and_the_rounds_costs_are_told(run, folder, client):
    publish(folder, client=client)
    assert run("predict", folder, "--yes", "--price", "1", "--tps", "5000").exit_code == 0
    publish(folder, client=client)
    common = ("--project", "hours", "--poll", "0.01", "--training-price", "4")
    planned = lines(run("train", folder, *common, "--dry-run").stdout)
    assert planned["hours"] == "not known: project hours has no version whose hours Amazon tells"
    assert planned["so"] == "far 0.01 (9 calls, 0.00 hours of training)"
    done = run("train", folder, *common, "--yes")
    assert done.exit_code == 0, done.output
    told = lines(done.stdout)
    assert told["billed"] == "1.00 h of training"
    assert told["round"] == "4.01 (9 calls, 1.00 hours of training)"
    run("train", folder, "--attach", "--poll", "0.01")  # waiting again is no second bill
    assert [record["what"] for record in costs_of(folder)] == ["calls", "training"]
    again = lines(run("train", folder, *common, "--threshold", "60", "--dry-run").stdout)
    assert again["hours"] == "1.00 h, as 1 earlier version of hours was billed; 4.00 at most, at 4 an hour"
    planned = lines(run("predict", folder, "--dry-run").stdout)
    assert planned["training"].startswith(
        "1.00 h, as 1 earlier version of hours was billed; what an hour costs is"
    )
    assert planned["so"].startswith(
        "far 0.00 (0 calls, 0.00 hours of training); all rounds of this folder: 4.01"
    )
    named = lines(run("predict", folder, "--dry-run", "--project", "elsewhere").stdout)
    assert "project elsewhere has no version" in named["training"]


def test_a_training_that_may_pass_the_limit_is_not_started(run, folder, client, server):
    publish(folder, client=client)
    common = ("--project", "limits", "--poll", "0.01", "--yes")
    for limit, price, told in (("5", "4", "cannot be known"), ("0", "4", "--max-cost is 0")):
        refused = run("train", folder, *common, "--max-cost", limit, "--training-price", price)
        assert isinstance(refused.exception, InputError)
        assert told in str(refused.exception)
    assert not server.calls["CreateProjectVersion"]
    assert run("train", folder, *common).exit_code == 0
    common += ("--threshold", "60", "--training-price", "4", "--max-cost")
    assert "may be 4.00" in str(run("train", folder, *common, "3.99").exception)
    assert run("train", folder, *common, "4").exit_code == 0


def test_no_command_makes_a_paid_call_without_yes_or_with_nothing_to_spend(
    run, folder, client, server, tmp_path
):
    publish(folder, client=client)
    made = run("train", folder, "--project", "free", "--poll", "0.01", "--yes")
    arn = re.search(r"arn:\S+", made.stdout)[0]
    server.calls.clear()
    images, out = folder.parent / "images", tmp_path / "moderated"
    commands = [
        ("predict", folder),
        ("predict", folder, "--run", tmp_path / "run"),
        ("predict", folder, "--adapter", arn),
        ("moderate", images, "--adapter", arn, "--compare-base", "--out", out),
        ("train", folder, "--project", "free", "--threshold", "70", "--poll", "0.01"),
    ]
    for command in commands:
        assert isinstance(run(*command).exception, InputError), command
        assert run(*command, "--yes", "--max-cost", "0").exit_code == 1, command
    assert not any(server.calls[name] for name in PAID)


def test_a_limit_without_a_price_is_refused_before_the_plan(run, folder):
    refused = run("predict", folder, "--dry-run", "--max-cost", "1")
    assert "give --price" in str(refused.exception)
    assert not refused.stdout


def test_stopping_is_told_and_the_same_command_goes_on(run, folder, server):
    command = ("predict", folder, "--yes", "--tps", "5000", "--price", "1", "--max-cost", "0.005")
    stopped = run(*command)
    assert stopped.exit_code == 1
    assert "limit       0.01" in stopped.output
    assert "4 images were not asked about: --max-cost was reached; the same command goes on" in stopped.stdout
    assert run(*command).exit_code == 0
    assert server.calls["DetectModerationLabels"] == 9
    assert (Dataset.load(folder).images["predicted"] == "7.0").all()


def test_costs_stay_when_the_data_set_is_written_again(run, folder):
    run("predict", folder, "--yes", "--tps", "5000", "--price", "1")
    Dataset.load(folder).save(folder)
    assert [record["calls"] for record in costs_of(folder)] == [9]


def test_second_looks_that_are_planned_are_counted(run, unlabelled):
    """As `review --second-look 0.5` writes them down: two of the five have had theirs, one under another name."""
    dataset = Dataset.load(unlabelled)
    plan = SecondLook.parse(["0.5"], Taxonomy.load())
    policy = Policy.from_dict(dataset.policy)
    rows = np.flatnonzero(plan.chosen(dataset, policy, compare(dataset, policy)))
    keys, contents = dataset.images["image"], dataset.images["sha256"]
    journal = ReviewJournal.of(unlabelled)
    journal.append("ana", second_look=("0.5",))
    said = [Said("Alcohol", True)]
    for row in rows[:3]:
        journal.append("ana", images=[ReviewedImage(keys[row], contents[row])], answers=said)
    journal.append("bo", images=[ReviewedImage(keys[rows[0]])], answers=said, look=Look.SECOND)
    renamed = ReviewedImage("other.jpg", contents[rows[1]])
    journal.append("bo", images=[renamed], answers=said, look=Look.SECOND)
    people = lines(run("predict", unlabelled, "--dry-run").stdout)["people"]
    assert len(rows) == 5
    assert people.startswith("6 images for a first answer, 3 for a second look")
