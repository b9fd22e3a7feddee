"""The schemas of manifest lines, as validators and as messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from itertools import islice
from typing import Any

import jsonschema_rs

from manifest_tools.core.resources import load_json
from manifest_tools.manifests.kinds import METADATA, SOURCE_REF, TRUTH, Attribute, Kind
from manifest_tools.manifests.validation.problems import Problem, describe, pointer

Schema = Mapping[str, Any]
ANYTHING: Schema = {}
MAX_OF_A_LINE = 100  # deviations from the schema that are told of one line
_WHOLE_LINE = (Kind.MODERATION, Kind.MODERATION_OUTPUT, Kind.BULK_ANALYSIS, Kind.IMAGE_LIST)


@cache
def part_schema(kind: Kind, part: str = "") -> Schema:
    """Return the schema of a kind's line, or of one of its `$defs`, with every reference written out."""
    document = load_json(f"{kind}.schema.json")
    chosen = document["$defs"][part] if part else document
    schema: Schema = _inline(chosen, document["$defs"])
    return schema


def _inline(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inline(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {key: _inline(value, definitions) for key, value in node.items() if key not in ("$id", "$defs")}


def line_schema(kind: Kind, attributes: Sequence[Attribute]) -> Schema:
    """Return the schema that one line has to fit: its kind's, with its label attributes under their own names."""
    if kind in _WHOLE_LINE:
        return part_schema(kind)
    properties = dict(part_schema(Kind.IMAGE_LIST)["properties"])
    for attribute in attributes:
        properties[attribute.name] = part_schema(attribute.kind, "label")
        properties[attribute.name + METADATA] = part_schema(attribute.kind, "metadata")
    return {"type": "object", "required": list(properties), "properties": properties}


@cache
def _validator(kind: Kind, part: str = "") -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(dict(part_schema(kind, part)))


def fits(line: Mapping[str, Any], kind: Kind, attributes: Sequence[Attribute]) -> bool:
    """Whether a line has the shape of its kind; `attributes` are the label attributes that hold a label."""
    if not _validator(kind if kind in _WHOLE_LINE else Kind.IMAGE_LIST).is_valid(line):
        return False
    return all(
        _validator(kind, "label").is_valid(line[name])
        and _validator(kind, "metadata").is_valid(line[name + METADATA])
        for name, _, kind in attributes
    )


def shape_problems(line: Mapping[str, Any], kind: Kind, attributes: Sequence[Attribute]) -> Iterator[Problem]:
    """Yield what keeps a line from the shape of its kind, in the order of the fields."""
    found = list(_errors(kind if kind in _WHOLE_LINE else Kind.IMAGE_LIST, "", line, ()))
    for name, _, attribute_kind in attributes:
        found += _errors(attribute_kind, "label", line[name], (name,))
        found += _errors(attribute_kind, "metadata", line[name + METADATA], (name + METADATA,))
    # The URI rule says more about a source-ref than its pattern does.
    found = [p for p in found if not (p.field == "/" + SOURCE_REF and p.data["keyword"] == "pattern")]
    yield from sorted(found, key=lambda problem: (problem.field or "", problem.data["expected"]))


def _errors(kind: Kind, part: str, value: Any, where: tuple[str, ...]) -> Iterator[Problem]:
    errors: Iterator[Any] = _validator(kind, part).iter_errors(value)
    for error in islice(errors, MAX_OF_A_LINE):
        path = (*where, *error.instance_path)
        expected, found, keyword = _words(error, part_schema(kind, part))
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
            path = (*path, error.kind.property)
        data = {"expected": expected, "found": found, "keyword": keyword}
        aws_code = _aws_code(path, keyword)
        yield Problem("schema", data | ({"aws_code": aws_code} if aws_code else {}), None, pointer(path))


def _words(error: Any, schema: Any) -> tuple[str, str, str]:
    """Return what the schema expects, what was found, and the keyword that failed."""
    title = ""
    for step in error.schema_path:
        title = schema.get("title", title) if isinstance(schema, dict) else title
        schema = schema[step]
    keyword = str(error.schema_path[-1])
    if keyword == "required":
        missing = error.kind.property
        near = get_close_matches(
            missing, [key for key in error.instance if isinstance(key, str)], n=1, cutoff=0.7
        )
        return f'the member "{missing}"', f'"{near[0]}" instead' if near else "nothing", keyword
    if "propertyNames" in error.schema_path:
        name = error.kind.error.instance if hasattr(error.kind, "error") else error.instance
        return title, describe(name), "propertyNames"
    return title, describe(error.instance), keyword


def _aws_code(path: Sequence[str | int], keyword: str) -> str:
    """Return the service's code for a shape error at a path."""
    top = str(path[0]) if path else ""
    if top == SOURCE_REF:
        return "ERROR_MISSING_SOURCE_REF" if keyword == "required" else "ERROR_INVALID_SOURCE_REF_FORMAT"
    if path[-1:] == ["confidence"] or path[-1:] == ("confidence",):
        return "ERROR_MISSING_BOUNDING_BOX_CONFIDENCE" if "objects" in path and keyword == "required" else ""
    if keyword == "required" and len(path) == 1 and top == TRUTH:
        return "ERROR_NO_LABEL_ATTRIBUTES"
    if keyword == "maxLength":
        return "ERROR_INVALID_LABEL_NAME_LENGTH"
    if top.endswith(METADATA):
        return "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"
    return "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT" if top and not top.startswith("detect-") else ""
