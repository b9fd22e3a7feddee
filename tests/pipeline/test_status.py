"""Where a round stands, and the right next step in every state of it."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from manifest_tools.aws.publishing.prepared_folder import digest
from manifest_tools.pipeline.last_call import write_call
from manifest_tools.pipeline.next_step import next_step
from manifest_tools.pipeline.prepare_options import PrepareOptions
from manifest_tools.pipeline.status import (
    EVALUATED,
    USED,
    RoundState,
    remember_adapter,
    round_state,
)
from manifest_tools.pipeline.step_costs import cost_of_step
from manifest_tools.reports import write_report
from manifest_tools.rules.checking import check_dataset
from tests.rules.samples import for_testing, mixture, together

IMAGES = {"found": 40, "usable": 40, "train": 20, "test": 20, "labelled": 40, "asked": 40, "usable_asked": 40}
UNASKED = {**IMAGES, "asked": 0, "usable_asked": 0}
READY = RoundState("out", prepared=True, images=IMAGES, verdict="ready")
PUBLISHED = replace(READY, published=True)
TRAINED = replace(PUBLISHED, adapter="arn:1", training="usable", trained=True)

STATES = [
    ("nothing there", RoundState("out"), "prepare"),
    ("prepared, nobody asked", replace(READY, verdict="unknown", images=UNASKED), "predict"),
    ("some were not asked", replace(READY, verdict="unknown", images={**IMAGES, "usable_asked": 39}), "predict"),
    ("not ready, nobody asked", replace(READY, verdict="not-ready", images=UNASKED), "predict"),
    ("answers came", replace(READY, verdict="unknown", stale=("the base model's answers came after it",)), "prepare"),
    ("asked, something to confirm", replace(READY, verdict="not-ready", images={**IMAGES, "waiting": 9}), "review"),
    ("not known, something to confirm", replace(READY, verdict="unknown", images={**IMAGES, "waiting": 9}), "review"),
    ("nothing to confirm", replace(READY, verdict="not-ready"), ""),
    ("people answered", replace(READY, stale=("people's answers came after the report",)), "prepare"),
    ("ready, some on no side", replace(READY, images={**IMAGES, "no_side": 3}), "prepare"),
    ("ready", READY, "publish"),
    ("published", PUBLISHED, "train"),
    ("training", replace(TRAINED, training="running"), "train --attach"),
    ("training, and answers came", replace(TRAINED, training="running", stale=("x",)), "train --attach"),
    ("training failed", replace(TRAINED, training="failed"), "train --attach"),
    ("trained", TRAINED, "evaluate"),
    ("evaluated", replace(TRAINED, evaluated=True), "moderate"),
    ("in use", replace(TRAINED, evaluated=True, used=True), "moderate"),
    ("second round, new answers", replace(TRAINED, evaluated=True, stale=("x",)), "prepare"),
    ("second round, not published", replace(TRAINED, published=False, trained=False), "publish"),
    ("second round, published", replace(TRAINED, trained=False), "train"),
    ("second round, not ready", replace(TRAINED, published=False, trained=False, verdict="not-ready"), ""),
]  # fmt: skip


@pytest.mark.parametrize(("state", "command"), [pytest.param(*row[1:], id=row[0]) for row in STATES])
def test_the_next_step_of_every_state(state, command):
    step = next_step(state)
    assert step.command == command
    assert step.why
    assert step.line.startswith("manifest-tools " if command else "collect")


def test_the_command_can_be_typed_with_and_without_a_project():
    assert next_step(READY, project=True).line.startswith("manifest-tools publish  (")
    assert next_step(replace(READY, folder="my out")).line.startswith("manifest-tools publish 'my out'  (")
    assert next_step(PUBLISHED).arguments == "out --project NAME"
    assert next_step(PUBLISHED, project=True, named=True).arguments == ""
    assert next_step(TRAINED).arguments == "arn:1 --data out"
    assert next_step(RoundState("out"), repeatable=False).arguments == "IMAGES ... --out out"


@pytest.fixture
def folder(tmp_path):
    """A folder of results whose data set is ready to train."""
    split = together(mixture(fp=20, tp=20), for_testing()).step("split", options={})
    _write(split, tmp_path)
    return tmp_path


def _write(split, folder):
    split.save(folder)
    write_report(check_dataset(split), folder)
    for name in ("train.manifest", "test.manifest"):
        (folder / name).write_text(f'{{"source-ref": "s3://bucket/{name}"}}\n', encoding="utf-8")


class TestFolder:
    def test_a_round_is_told_by_its_files(self, folder):
        split = together(mixture(fp=20, tp=20), for_testing()).step("split", options={})
        state = round_state(folder)
        assert (state.verdict, state.published, state.training) == ("ready", False, "")
        assert state.images["waiting"] == 40
        assert next_step(state).command == "publish"

        sums = {name: digest((folder / name).read_bytes()) for name in ("train.manifest", "test.manifest")}
        told = {name: {"uri": f"s3://bucket/{value}", "sha256": value} for name, value in sums.items()}
        published = split.step("publish", options={"manifests": told})
        published.save(folder)
        assert next_step(round_state(folder)).command == "train"

        arn = "arn:aws:rekognition:eu-west-1:1:project/p/version/v/1"
        uris = {name: item["uri"] for name, item in told.items()}
        options = {"arn": arn, "project_arn": "p", "version": "v", "manifests": uris}
        started = published.step("train", options=options)
        started.save(folder)
        assert next_step(round_state(folder)).command == "train --attach"

        ended = started.step("trained", options={"arn": arn, "status": "TRAINING_COMPLETED"})
        ended.save(folder)
        assert next_step(round_state(folder)).command == "evaluate"
        remember_adapter(folder, EVALUATED, [arn, arn])
        remember_adapter(folder, USED, [arn])
        state = round_state(folder)
        assert (state.evaluated, state.used, next_step(state).command) == (True, True, "moderate")

        ended.step("predict", options={}).save(folder)
        assert round_state(folder).stale == ("the base model's answers came after the report",)

    def test_files_that_changed_after_the_report_make_it_stale(self, folder):
        labels = folder / "labels.csv"
        labels.write_text("file,labels\n", encoding="utf-8")
        told = PrepareOptions(images="x", labels=(str(labels), "folders"), predictions="s3://bucket/x")
        os.utime(labels, (1, 1))
        assert round_state(folder, told).stale == ()
        later = (folder / "report.json").stat().st_mtime + 5
        os.utime(labels, (later, later))
        assert round_state(folder, told).stale == (f"{labels} changed after the report",)

    def test_images_that_came_or_went_make_it_stale_and_splitting_anew_does_not_hide_it(self, folder):
        images = folder / "images"
        (images / "below").mkdir(parents=True)
        told = PrepareOptions(images=str(images))
        for place in (images, images / "below"):
            os.utime(place, (1, 1))
        assert round_state(folder, told).stale == ()
        (images / "below" / "new.jpg").touch()
        write_call(told, folder, folder)
        os.utime(folder / "dataset" / "call.json", (5, 5))  # the report is newer: it was judged anew since
        (reason,) = round_state(folder, told).stale
        assert reason == f"images came to {images}, or went, after the report"

    @pytest.mark.parametrize("content", ["", "[]", '{"evaluated": 5}', "{" * 99])
    def test_a_broken_record_of_adapters_is_none(self, folder, content):
        (folder / "dataset" / "adapters.json").write_text(content, encoding="utf-8")
        assert not round_state(folder).evaluated

    def test_without_a_report_it_has_to_be_made_anew(self, folder):
        (folder / "report.json").unlink()
        assert next_step(round_state(folder)).command == "prepare"


class TestCosts:
    def test_asking_has_a_price_where_the_region_has_one(self, folder):
        state = round_state(folder)
        assert cost_of_step("predict", state, region="eu-west-1").money > 0
        assert cost_of_step("predict", state, price=2.0).money == 0.13
        assert cost_of_step("predict", state).money is None
        assert "no Region is known" in cost_of_step("predict", state).words

    def test_what_runs_here_costs_nothing_and_the_rest_says_what_is_known(self, folder):
        state = round_state(folder)
        assert cost_of_step("prepare", state).money == 0
        assert cost_of_step("train", state).money is None
        assert "not known yet" in cost_of_step("review", state).words
