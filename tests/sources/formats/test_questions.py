"""Questions whose answers name nothing by themselves, in the exports that have them."""

from __future__ import annotations

import json

import pytest

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.findings.policy import Policy
from manifest_tools.sources.formats.detect import read_labels
from manifest_tools.sources.mapping_draft import count_categories, draft
from tests.sources.rows import said

POLICY = Policy()
ANSWERS = [
    ("a.jpg", {"alcohol": "Yes", "violence?": "No"}),
    ("b.jpg", {"alcohol": "no", "violence?": "not sure"}),
]
SAID = [
    ("a.jpg", "alcohol = yes", True),
    ("a.jpg", "violence = no", True),
    ("a.jpg", "violence = yes", False),
    ("b.jpg", "alcohol = no", True),
    ("b.jpg", "alcohol = yes", False),
    ("b.jpg", "violence = yes", None),
]


def studio(answers):
    return json.dumps(
        [
            {
                "id": number,
                "data": {"image": image},
                "annotations": [
                    {
                        "id": number,
                        "result": [
                            {
                                "type": "choices",
                                "from_name": name,
                                "to_name": "image",
                                "value": {"choices": [answer]},
                            }
                            for name, answer in given.items()
                        ],
                    }
                ],
            }
            for number, (image, given) in enumerate(answers)
        ]
    )


def studio_min(answers):
    rows = [
        {"image": image, "id": n, "annotator": 1, "annotation_id": n, "lead_time": 2.5} | given
        for n, (image, given) in enumerate(answers)
    ]
    return json.dumps(rows)


def labelbox(answers):
    rows = [
        {
            "data_row": {"id": image, "external_id": image},
            "projects": {
                "p": {
                    "labels": [
                        {
                            "annotations": {
                                "objects": [],
                                "classifications": [
                                    {"name": name, "radio_answer": {"name": answer}}
                                    for name, answer in given.items()
                                ],
                            }
                        }
                    ]
                }
            },
        }
        for image, given in answers
    ]
    return "\n".join(map(json.dumps, rows))


@pytest.mark.parametrize("export", [studio, studio_min, labelbox])
def test_the_question_is_kept_with_a_bare_answer(tmp_path, export):
    (tmp_path / "export.json").write_text(export(ANSWERS), encoding="utf-8")

    read = read_labels(tmp_path / "export.json")

    assert sorted(said(read), key=lambda row: row[:2]) == SAID
    assert not read.open_world
    drafted = draft(count_categories([read], POLICY), Taxonomy.load(), POLICY)
    assert [(row.category, row.label) for row in drafted] == [
        ("alcohol = no", "ignore"),
        ("alcohol = yes", "Alcohol"),
        ("violence = no", "ignore"),
        ("violence = yes", "Violence"),
    ]


@pytest.mark.parametrize("export", [studio, labelbox])
def test_grades_are_kept_with_their_question(tmp_path, export):
    answers = [
        ("a.jpg", {"alcohol": "none", "gore": "VERY_LIKELY"}),
        ("b.jpg", {"alcohol": "2", "gore": "low"}),
    ]
    (tmp_path / "export.json").write_text(export(answers), encoding="utf-8")

    assert said(read_labels(tmp_path / "export.json")) == [
        ("a.jpg", "alcohol = none", True),
        ("a.jpg", "gore = very likely", True),
        ("b.jpg", "alcohol = 2", True),
        ("b.jpg", "gore = low", True),
    ]


@pytest.mark.parametrize("export", [studio, labelbox])
def test_an_answer_that_names_something_stands_by_itself(tmp_path, export):
    answers = [
        ("a.jpg", {"unsafe?": "Alcohol", "sure?": "beer"}),
        ("b.jpg", {"unsafe?": "no", "sure?": "Alcohol"}),
    ]
    (tmp_path / "export.json").write_text(export(answers), encoding="utf-8")

    assert [row[1] for row in said(read_labels(tmp_path / "export.json"))] == [
        "Alcohol",
        "beer",
        "no",
        "Alcohol",
    ]
