"""Label Studio: tasks out, annotations back as answers of several people."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from manifest_tools.core.errors import InputError, OutputError
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Policy
from manifest_tools.review.entries import Look, Remark
from manifest_tools.review.journal import ReviewJournal
from manifest_tools.review.label_studio import export_tasks, import_tasks
from manifest_tools.review.session import ReviewSession
from manifest_tools.sources.formats import label_studio as source
from tests.review.conftest import ALCOHOL, GAMBLING, VIOLENCE

ANA = {"id": 1, "email": "ana@example.org", "first_name": "Ana", "last_name": "Lima"}
BEN = {"id": 2, "email": "ben@example.org", "first_name": "", "last_name": ""}


def exported(folder, tmp_path, *plan):
    path = tmp_path / "tasks.json"
    count, configuration = export_tasks(ReviewSession(folder, "lead", second_look=plan), path)
    tasks = json.loads(path.read_text())
    assert len(tasks) == count
    return tasks, ET.parse(configuration).getroot()


def result(kind, values, name=""):
    names = {"taxonomy": "labels", "choices": "whole", "textarea": "note"}
    value = {"text" if kind == "textarea" else kind: values}
    return {"id": "a", "from_name": name or names[kind], "to_name": "image", "type": kind, "value": value}


def annotation(number, who, *results, minute=0, **facts):
    at = f"2026-03-09T22:{minute:02}:08.728353Z"
    return {"id": number, "completed_by": who, "result": list(results), "was_cancelled": False,
            "created_at": at, "updated_at": at, "lead_time": 4.288} | facts  # fmt: skip


def back(folder, tmp_path, tasks, *given):
    """Take in what Label Studio would export of the first tasks, each with its annotations."""
    document = [
        {"id": n, **task, "annotations": each, "drafts": [], "meta": {}}
        for n, (task, each) in enumerate(zip(tasks, given, strict=False))
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(document))
    return import_tasks(ReviewSession(folder, "lead"), path)


def said(folder):
    return [
        (entry.reviewer, entry.images[0].image, dict(entry.answers))
        for entry in ReviewJournal.of(folder).standing
    ]


def test_tasks_hold_the_image_the_question_and_what_the_model_says(folder, tmp_path):
    tasks, _ = exported(folder, tmp_path)
    assert [task["data"]["key"] for task in tasks] == ["001.png", "000.png", "002.png", "003.png"]
    first, last = tasks[0], tasks[-1]
    assert first["data"]["image"] == "/data/local-files/?d=001.png"
    assert first["data"]["asked"] == [ALCOHOL]
    assert first["predictions"][0]["model_version"] == "base model 7.0"
    assert first["predictions"][0]["score"] == 0.9
    assert first["predictions"][0]["result"][0]["value"] == {"taxonomy": [[ALCOHOL]]}
    assert "predictions" not in last
    assert last["data"]["asked"] == []


def test_the_configuration_holds_our_taxonomy_and_fits_the_tasks(folder, tmp_path):
    policy = Policy(reasons={"ad": 'an "advertisement" <b>'})
    Dataset.load(folder).step("policy", policy=policy.to_dict()).save(folder)
    tasks, view = exported(folder, tmp_path)
    taxonomy = Taxonomy.load()
    names = [choice.get("value") for choice in view.find("Taxonomy").iter("Choice")]
    assert sorted(names) == sorted(taxonomy.names)
    for parent in view.find("Taxonomy").iter("Choice"):
        assert tuple(child.get("value") for child in parent) == taxonomy.children(parent.get("value"))
    assert [choice.get("hint") for choice in view.find("Choices[@name='reason']")] == [
        'an "advertisement" <b>'
    ]
    controls = {child.get("name") for child in view}
    for task in tasks:
        for prediction in task.get("predictions", []):
            assert {one["from_name"] for one in prediction["result"]} <= controls
    assert {
        child.get("value", "").removeprefix("$") for child in view if child.tag in ("Text", "Image")
    } <= tasks[0]["data"].keys()


def test_of_images_that_get_a_second_look_no_prediction_is_told(folder, tmp_path):
    tasks, _ = exported(folder, tmp_path, "1")
    assert len(tasks) == 4
    assert not any("predictions" in task for task in tasks)


def test_annotations_come_back_with_names_dates_times_and_notes(folder, tmp_path):
    Dataset.load(folder).step("policy", policy=Policy(reasons={"ad": ""}).to_dict()).save(folder)
    tasks, _ = exported(folder, tmp_path)
    given = [
        [annotation(11, ANA, result("taxonomy", [[ALCOHOL], [ALCOHOL, "Alcoholic Beverages"]]),
                    result("choices", ["ad"], "reason"), result("textarea", ["on the", "shirt"])),
         annotation(12, BEN, minute=1)],
        [annotation(13, ANA, result("choices", ["Unsure"]), minute=2), annotation(14, 7, was_cancelled=True)],
        [annotation(15, 7, result("taxonomy", [[GAMBLING]]), minute=3)],
        [annotation(16, BEN, result("choices", ["Safe"]), minute=4)],
    ]  # fmt: skip
    assert back(folder, tmp_path, tasks, *given) == 5
    assert said(folder) == [
        ("Ana Lima", "001.png", {ALCOHOL: True, "Alcoholic Beverages": True}),
        ("ben@example.org", "001.png", {ALCOHOL: False}),
        ("Ana Lima", "000.png", {ALCOHOL: None}),
        ("Label Studio user 7", "002.png", {GAMBLING: True, VIOLENCE: False}),
        ("ben@example.org", "003.png", {"Safe": True}),
    ]
    entry = ReviewJournal.of(folder).standing[0]
    assert entry.at == "2026-03-09T22:00:08+00:00"
    assert entry.remark == Remark("ad", "on the shirt", 4.3)
    assert back(folder, tmp_path, tasks, *given) == 0, "the same export once more"
    given[0][1] = annotation(12, BEN, result("taxonomy", [[ALCOHOL]]), minute=9)
    assert back(folder, tmp_path, tasks, *given) == 1, "what was changed since"


def test_two_annotations_of_a_task_are_a_first_and_a_second_look(folder, tmp_path):
    tasks, _ = exported(folder, tmp_path, "1")
    row = ReviewSession(folder, "lead").state.position[tasks[0]["data"]["key"]]
    chosen = result("taxonomy", [tasks[0]["data"]["asked"]])
    back(folder, tmp_path, tasks, [annotation(2, BEN, minute=5), annotation(1, ANA, chosen, minute=1)])
    assert [(entry.reviewer, entry.look) for entry in ReviewJournal.of(folder).standing] == [
        ("Ana Lima", Look.FIRST), ("ben@example.org", Look.SECOND)]  # fmt: skip
    assert ReviewSession(folder, "cem", adjudicating=True).item(row)["questions"]


def test_people_of_one_name_stay_apart(folder, tmp_path):
    tasks, _ = exported(folder, tmp_path)
    back(folder, tmp_path, tasks, [annotation(1, ANA), annotation(2, ANA | {"id": 9}, minute=1)])
    assert {name for name, *_ in said(folder)} == {"Ana Lima (1)", "Ana Lima (9)"}


@pytest.mark.parametrize(("given", "told"), [
    (annotation(1, ANA, result("taxonomy", [["Alchohol"]])), "nearest: Alcohol"),
    (annotation(1, ANA, result("taxonomy", [[ALCOHOL]]), result("choices", ["Safe"])), "expected one of them"),
    (annotation(1, ANA, result("choices", ["cat"], "animals")), "not of our labelling configuration"),
    (annotation(1, ANA, result("choices", ["x"], "reason")), "not one of your reason codes"),
    (annotation(1, ANA, created_at="soon", updated_at=""), "its date is 'soon'"),
])  # fmt: skip
def test_what_cannot_be_understood_refuses_the_whole_export(folder, tmp_path, given, told):
    tasks, _ = exported(folder, tmp_path)
    with pytest.raises(InputError, match=told) as raised:
        back(folder, tmp_path, tasks, [annotation(3, BEN)], [given])
    assert "task 2, annotation 1" in str(raised.value)
    assert ReviewJournal.of(folder).entries == []


@pytest.mark.parametrize("change", [{"key": "gone.png", "sha256": ""}, {"sha256": "0" * 64}])
def test_a_task_of_another_image_is_refused(folder, tmp_path, change):
    tasks, _ = exported(folder, tmp_path)
    with pytest.raises(InputError, match=r"no image 'gone.png'|the sha256 is not that"):
        back(folder, tmp_path, [{"data": tasks[0]["data"] | change}], [annotation(1, ANA)])


@pytest.mark.parametrize("content", ["[]", "{}", "[1]", '[{"data": 1}]', '[{"image": "x"}]', "[", '"x"'])
def test_what_is_no_export_is_refused(folder, tmp_path, content):
    path = tmp_path / "export.json"
    path.write_text(content)
    with pytest.raises(InputError):
        import_tasks(ReviewSession(folder, "lead"), path)
    with pytest.raises(OutputError, match="cannot write"):
        export_tasks(ReviewSession(folder, "lead"), tmp_path / "no" / "tasks.json")


def test_our_tasks_are_a_label_source_too(folder, tmp_path):
    tasks, _ = exported(folder, tmp_path)
    chosen = annotation(1, ANA, result("taxonomy", [[ALCOHOL]]))
    back(folder, tmp_path, tasks, [chosen])
    assert source.recognise(json.loads((tmp_path / "export.json").read_text()))
