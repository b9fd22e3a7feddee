"""Validation of manifests: lines per second of processor time, and memory, beside the peers.

Each row is a child process of its own. Processor time is measured, because it does not depend on what else the
machine does; two processes are measured by the clock (more of that: ``benchmarks/scale/manifest.py``).

    python benchmarks/manifests.py                     # 1 million lines
    python benchmarks/manifests.py --lines 10000000    # takes a while
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEED = 7
SLOW_LINES = 20_000  # peers that take minutes judge the first of the lines

LABELS = [
    "Alcohol",
    "Violence",
    "Gambling",
    "Hate Symbols",
    "Rude Gestures",
    "Visually Disturbing",
    "Drugs & Tobacco",
]

# What each child runs. `path`, `kind` and `count` are given; `done` is how many lines were judged.
PEERS = {
    "manifest_tools, all checks": (
        None,
        (
            "from manifest_tools.manifests.validation.validate import validate_manifest\n"
            "begin()\n"
            "report = validate_manifest(path)\n"
            "done = report.facts['files'][0]['lines']\n"
            "assert report.passed"
        ),
    ),
    "json.loads + jsonschema": (
        "jsonschema",
        (
            "import json, jsonschema\nfrom itertools import islice\n"
            "from manifest_tools.core.resources import load_json\n"
            "judge = jsonschema.Draft202012Validator(load_json(kind + '.schema.json'))\n"
            "begin()\n"
            "with open(path, 'rb') as file:\n"
            "    for done, line in enumerate(islice(file, slow), 1):\n"
            "        assert not list(judge.iter_errors(json.loads(line)))"
        ),
    ),
    "orjson.loads alone": (
        "orjson",
        (
            "import orjson\nbegin()\n"
            "with open(path, 'rb') as file:\n"
            "    for done, line in enumerate(file, 1):\n"
            "        orjson.loads(line)"
        ),
    ),
    "orjson + jsonschema-rs": (
        "jsonschema_rs",
        (
            "import orjson, jsonschema_rs\n"
            "from manifest_tools.core.resources import load_json\n"
            "judge = jsonschema_rs.Draft202012Validator(load_json(kind + '.schema.json'))\n"
            "begin()\n"
            "with open(path, 'rb') as file:\n"
            "    for done, line in enumerate(file, 1):\n"
            "        assert judge.is_valid(orjson.loads(line))"
        ),
    ),
    "pydantic": (
        "pydantic",
        (
            "import pydantic\n"
            "Name = pydantic.constr(min_length=1, max_length=256)\n"
            "Ref = pydantic.Field(alias='source-ref', pattern='^s3://[^/]+/.+$')\n"
            "class Label(pydantic.BaseModel):\n    Name: Name\n"
            "class Truth(pydantic.BaseModel):\n    ModerationLabels: list[Label]\n"
            "class Moderation(pydantic.BaseModel):\n"
            "    ref: str = Ref\n    truth: Truth = pydantic.Field(alias='content-moderation-groundtruth')\n"
            "class Metadata(pydantic.BaseModel):\n"
            "    classes: dict[str, Name] = pydantic.Field(alias='class-map')\n"
            "    confidences: dict[str, pydantic.confloat(ge=0, le=1)] = pydantic.Field(alias='confidence-map')\n"
            "    type: str\n"
            "class Multi(pydantic.BaseModel):\n"
            "    ref: str = Ref\n    unsafe: list[int]\n    metadata: Metadata = pydantic.Field(alias='unsafe-metadata')\n"
            "judge = (Moderation if kind == 'moderation' else Multi).model_validate_json\n"
            "begin()\n"
            "with open(path, 'rb') as file:\n"
            "    for done, line in enumerate(file, 1):\n"
            "        judge(line)"
        ),
    ),
    "pandas.read_json, in pieces (reads, checks nothing)": (
        "pandas",
        (
            "import pandas\nbegin()\n"
            "done = sum(len(part) for part in pandas.read_json(path, lines=True, chunksize=50_000))"
        ),
    ),
}

CHILD = """
import resource, sys, time
sys.path.insert(0, {root!r})
path, kind, slow = {path!r}, {kind!r}, {slow}
done, started = 0, None
def begin():
    global started
    started = time.process_time()
{body}
seconds = time.process_time() - started
print(done / seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

CLOCK = """
import sys, time
sys.path.insert(0, {root!r})
from manifest_tools.manifests.validation.validate import validate_manifest
started = time.perf_counter()
report = validate_manifest({path!r}, workers={workers})
print(report.facts["files"][0]["lines"] / (time.perf_counter() - started))
"""


def moderation(number: int, dice: random.Random, unique: bool) -> dict[str, object]:
    """A line of an adapter's manifest; with unique tails, other people's extra members make each one different."""
    names = dice.sample(LABELS, dice.choice([0, 1, 1, 2, 3]))
    line = {
        "source-ref": f"s3://acme-mod/images/2026/{number:08}-{dice.randrange(16**6):06x}.jpg",
        "content-moderation-groundtruth": {"ModerationLabels": [{"Name": name} for name in names]},
    }
    return line | ({"reviewed": date(dice), "certainty": round(dice.random(), 4)} if unique else {})


def multi_label(number: int, dice: random.Random, unique: bool) -> dict[str, object]:
    """A line of a Ground Truth multi-label job."""
    ids = dice.sample(range(len(LABELS)), dice.choice([1, 1, 2, 3]))
    return {
        "source-ref": f"s3://acme-mod/images/2026/{number:08}-{dice.randrange(16**6):06x}.jpg",
        "unsafe": ids,
        "unsafe-metadata": {
            "job-name": "labeling-job/unsafe",
            "class-map": {str(i): LABELS[i] for i in ids},
            "human-annotated": "yes",
            "creation-date": date(dice) if unique else "2026-01-15T08:31:00.000200",
            "confidence-map": {str(i): round(dice.random(), 2) if unique else 0.95 for i in ids},
            "type": "groundtruth/image-classification-multilabel",
        },
    }


def date(dice: random.Random) -> str:
    day, hour, minute = dice.randrange(1, 29), dice.randrange(24), dice.randrange(60)
    return f"2026-01-{day:02}T{hour:02}:{minute:02}:07.{dice.randrange(10**6):06}"


def make(path: Path, kind: str, unique: bool, count: int) -> None:
    dice = random.Random(SEED)
    line = moderation if kind == "moderation" else multi_label
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(line(number, dice, unique)) + "\n")


def child(text: str) -> list[float]:
    result = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return [float(word) for word in result.stdout.split()]


def measure(path: Path, kind: str, repeat: int) -> None:
    rates: dict[str, float] = {}
    for name, (module, body) in PEERS.items():
        if module and importlib.util.find_spec(module) is None:
            print(f"  {name}: not installed")
            continue
        text = CHILD.format(root=str(ROOT), path=str(path), kind=kind, slow=SLOW_LINES, body=body)
        runs = [child(text) for _ in range(repeat)]
        rates[name], memory = max(runs)[0], max(run[1] for run in runs)
        ratio = rates["manifest_tools, all checks"] / rates[name]
        print(f"  {name:<52} {rates[name] / 1000:>8,.0f} k lines/s {memory:>6,.0f} MB   ours is {ratio:.1f}x")
    one, two = (
        max(child(CLOCK.format(root=str(ROOT), path=str(path), workers=workers))[0] for _ in range(repeat))
        for workers in (1, 2)
    )
    print(
        f"  by the clock: {one / 1000:,.0f} k lines/s in one process, {two / 1000:,.0f} in two ({two / one:.2f}x)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the best one counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("moderation", "multi-label"):
            for unique in (True, False):
                path = Path(folder) / "x.manifest"
                make(path, kind, unique, options.lines)
                size = path.stat().st_size / options.lines
                print(
                    f"{kind}, {'unique' if unique else 'repeated'} tails: {options.lines:,} lines of {size:.0f} bytes"
                )
                measure(path, kind, options.repeat)


if __name__ == "__main__":
    main()
