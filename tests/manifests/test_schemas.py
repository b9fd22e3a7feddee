"""The schemas are valid, and the reference validator agrees with ours about the shape of lines."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource

from manifest_tools.core.resources import load_json, schema_folder
from manifest_tools.manifests.kinds import KINDS, METADATA, Kind, attributes, kind_of
from manifest_tools.manifests.reading import read_manifest
from manifest_tools.manifests.validation.schema_checks import fits, line_schema, shape_problems

SCHEMAS = sorted(path.name for path in schema_folder().glob("*.schema.json"))
ACCEPTED = sorted((Path(__file__).parent / "accepted").glob("*/*.manifest"))
LINES = [
    (path.parent.name, json.loads(line))
    for path in ACCEPTED
    if path.stem != "packed"
    for line in path.read_text(encoding="utf-8").splitlines()
]


def nodes(schema):
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            yield from nodes(value) if key not in ("enum", "const", "required") else ()
    elif isinstance(schema, list):
        for item in schema:
            yield from nodes(item)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_valid_and_tell_their_source(name):
    schema = load_json(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:manifest-tools:schema:{name.removesuffix('.schema.json')}"
    assert schema["title"]
    assert schema["description"]
    assert schema["$comment"].startswith("Source: ")


def test_schemas_are_found_by_their_absolute_ids_in_one_registry():
    """Ids do not depend on where the files lie, and references from outside reach into every schema."""
    documents = [load_json(name) for name in SCHEMAS]
    known = Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in documents)
    for document in documents:
        assert urlsplit(document["$id"]).scheme
        assert known.resolver().lookup(document["$id"]).contents is document
        for name in document.get("$defs", ()):
            known.resolver().lookup(f"{document['$id']}#/$defs/{name}")
        jsonschema.Draft202012Validator({"$ref": document["$id"]}, registry=known).is_valid({})


@pytest.mark.parametrize("name", [f"{kind}.schema.json" for kind in KINDS])
def test_every_typed_node_says_what_is_expected(name):
    for node in nodes(load_json(name)):
        if (
            isinstance(node.get("type"), str)
            and "if" not in node
            and set(node) != {"type", "required", "properties"}
        ):
            assert node.get("title") or set(node) == {"type"}, node


@pytest.mark.parametrize("line", [line for _, line in LINES], ids=range(len(LINES)))
def test_accepted_lines_fit_the_published_schemas(line):
    schema = jsonschema.Draft202012Validator(load_json(f"{kind_of(line)}.schema.json"))
    assert list(schema.iter_errors(line)) == []


VALUES = st.sampled_from(
    [None, True, 0, 1, -1, 1.5, 100.5, "", "1", "x", [], {}, [0], ["0"], {"Name": ""}, {"0": "x"}, "y" * 300]
)


@st.composite
def broken(draw):
    """A line with a member, somewhere, removed, replaced or added."""
    line = json.loads(json.dumps(draw(st.sampled_from(LINES))[1]))
    for _ in range(draw(st.integers(1, 2))):
        holder, key = line, draw(st.sampled_from(list(line)))
        while holder[key] and isinstance(holder[key], dict | list) and draw(st.booleans()):
            holder = holder[key]
            key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        if draw(st.booleans()):
            holder[key] = deepcopy(draw(VALUES))
        else:
            del holder[key]
        if not line:
            break
    return line


@given(broken())
@settings(max_examples=300, deadline=None)
def test_the_reference_validator_agrees(line):
    kind = kind_of(line)
    if kind is Kind.OTHER:
        return
    found = [a for a in attributes(line) if a.kind is not Kind.OTHER and a.name in line]
    if any("failure-reason" in line[a.name + METADATA] for a in found):
        return
    reference = jsonschema.Draft202012Validator(line_schema(kind, found))
    errors = list(reference.iter_errors(line))
    assert fits(line, kind, found) == (not errors)
    problems = list(shape_problems(line, kind, found))
    at_source_ref = [error for error in errors if list(error.absolute_path) == ["source-ref"]]
    assert bool(problems) == (len(errors) > sum(error.validator == "pattern" for error in at_source_ref))
    for problem in problems:
        assert problem.data["expected"]
        assert problem.data["found"]


def test_a_saved_data_set_fits_its_schema(tmp_path):
    dataset = read_manifest(ACCEPTED[0])
    dataset.save(tmp_path)
    document = json.loads((tmp_path / "dataset" / "dataset.json").read_text(encoding="utf-8"))
    schema = load_json("dataset.schema.json")
    jsonschema.validate(document, schema)
    assert set(schema["properties"]) - set(document) <= {"stop_list"}  # written when there is one
