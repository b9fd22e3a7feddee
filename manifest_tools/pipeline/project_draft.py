"""A project file written for somebody who begins: what is known filled in, the rest as comments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from manifest_tools.core.errors import InputError
from manifest_tools.core.files import adding
from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.findings.policy import Target
from manifest_tools.pipeline.prepare_options import FOLDERS, PrepareOptions, option_name
from manifest_tools.pipeline.project_file import PROJECT_FILE
from manifest_tools.storage.uris import is_s3_uri, split_destination

_LINES: tuple[tuple[str, str, str], ...] = (  # key, an example, what it is
    ("images", '"photos"', "A folder, a manifest, s3://bucket/prefix, or Parquet with images inside."),
    ("labels", '["labels.csv"]', 'Label tables or annotation exports, or "folders": the names of the folders.'),
    ("map", '["mapping.csv"]', "What your categories mean ('manifest-tools map' drafts it)."),
    ("checked-labels", '["Alcohol,Violence"]', "Labels that people looked for; default: those that the labels use."),
    ("predictions", '"answers.jsonl"', "The base model's answers, where 'manifest-tools predict' does not ask for them."),
    ("to", '"s3://my-bucket/photos"', "Where the images will be in S3."),
    ("target", '["Alcohol:false-positives"]', "What the adapter is to fix: LABEL:false-positives or LABEL:false-negatives."),
    ("out", '"prepared"', "Where the results go."),
    ("policy", '"policy.toml"', "Thresholds, severities, your own definitions of labels."),
    ("taxonomy", '"7"', "Taxonomy that labels are read by: 7 or 6.1."),
    ("group-by", '["uploader"]', "Images of one value stay on one side of the split."),
    ("project", '"my-project"', "Rekognition's project, in which adapters are trained."),
    ("profile", '"default"', "Profile of the AWS configuration files."),
    ("region", '"us-east-1"', "AWS region; the bucket must be in the same."),
    ("price", "1.0", "Price of a thousand images; default: the account's price list, or a dated table."),
)  # fmt: skip
_HEAD = """\
# What every manifest-tools command takes from here, in this folder and below, so that it needs no further argument.
# Keys are the names of options, without the dashes; paths are seen from this file; what is given on the command line
# goes before it.

"""
_TAIL = """
# Several files of labels may have a format, a map and checked labels each; such tables stand at the end, in the place of
# "labels" above:
#
#   [[labels]]
#   file = "forum.json"
#   format = "label-studio"
#   map = "forum-map.csv"
#   checked-labels = ["Alcohol"]
"""


def draft_project(options: PrepareOptions, out: str, others: dict[str, Any] | None = None) -> str:
    """Return the text of a project file.

    Parameters
    ----------
    options : PrepareOptions
        What is known; its paths as seen from the file's folder.
    out : str
        The folder of results, likewise.
    others : dict, optional
        Options of other commands.
    """
    known = {option_name(name): value for name, value in options.to_dict().items()}
    known |= {"out": out, **(others or {})}
    lines = []
    for key, example, meaning in _LINES:
        lines += [
            f"# {meaning}",
            f"{key} = {_toml(known.pop(key))}" if key in known else f"# {key} = {example}",
            "",
        ]
    lines += [f"{key} = {_toml(value)}" for key, value in known.items()]
    return _HEAD + "\n".join(lines).rstrip() + "\n" + _TAIL


def write_project(
    folder: Path, options: PrepareOptions, out: str, others: dict[str, Any] | None = None
) -> Path:
    """Write a project file into a folder; what it names has to be there, and nothing is overwritten.

    Parameters
    ----------
    folder : Path
        Where.
    options, out, others
        As in :func:`draft_project`, but paths as seen from here.

    Raises
    ------
    InputError
        What is given cannot be meant.
    OutputError
        There is another project file already.
    """
    path = folder / PROJECT_FILE
    for file in (options.images, *options.labels, options.predictions, options.policy):
        if file and file != FOLDERS and not is_s3_uri(file) and not Path(file).exists():
            msg = f"there is no {file}"
            raise InputError(msg)
    for text in options.target:
        Target.parse(text, Taxonomy.load(options.taxonomy))
    if options.to:
        split_destination(options.to)
    seen = options.moved(".", folder)
    text = draft_project(seen, PrepareOptions(images=out).moved(".", folder).images, others)
    try:
        with adding(path) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    except UnicodeEncodeError as error:
        msg = f"a name holds what no text file can: {error.object!r}"
        raise InputError(msg) from error
    return path


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):  # a JSON string is one of TOML, but for DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else str(value)
