"""Validation of manifests: lines per second of processor time, and memory, beside the peers.

Each row is a child process of its own, ours one that has no workers. Processor time is measured, because it depends
less on what else the machine does; all take turns, and the best run of each counts. What several processes bring is
measured by the clock beside the processor time of all of them (more of that: ``benchmarks/scale/manifest.py``).

    python benchmarks/manifests.py                     # 1 million lines
    python benchmarks/manifests.py --lines 10000000    # takes a while
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SEED = 7
COMPILED = tempfile.TemporaryDirectory()
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
            "report = validate_manifest(path, workers=1)\n"
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

RUN = """
import resource, sys, time
sys.path.insert(0, {root!r})
from manifest_tools.manifests.validation.validate import validate_manifest
def used(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
started, before = time.perf_counter(), used(resource.RUSAGE_SELF)[0]
report = validate_manifest({path!r}, workers={workers})
seconds = time.perf_counter() - started
assert report.facts["files"][0]["lines"] == {lines}
assert report.passed
# the workers have ended, and are counted
(here, peak), (below, highest) = used(resource.RUSAGE_SELF), used(resource.RUSAGE_CHILDREN)
print(seconds, here - before, below, peak, highest)
"""

START = """
import sys, time
sys.path.insert(0, {root!r})
import manifest_tools.parallel.worker_main, manifest_tools.manifests.validation.parallel_scan
print(time.process_time())
"""


class Run(NamedTuple):
    """Seconds by the clock and of processor time, and MB at the peak; `below`: of the workers, of the largest one."""

    seconds: float
    processor: float
    below: float
    peak: float
    peak_below: float


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
    """Run Python as if the package were installed: with compiled modules, which the environment may forbid."""
    with_cache = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with_cache["PYTHONPYCACHEPREFIX"] = COMPILED.name
    result = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, env=with_cache
    )
    return [float(word) for word in result.stdout.split()]


def measure(path: Path, kind: str, lines: int, repeat: int) -> None:
    texts = {}
    for name, (module, body) in PEERS.items():
        if module and importlib.util.find_spec(module) is None:
            print(f"  {name}: not installed")
        else:
            texts[name] = CHILD.format(root=str(ROOT), path=str(path), kind=kind, slow=SLOW_LINES, body=body)
    runs: dict[str, list[list[float]]] = {name: [] for name in texts}
    for _ in range(repeat):
        for name, text in texts.items():
            runs[name].append(child(text))
    ours = max(rate for rate, _ in runs["manifest_tools, all checks"])
    for name, results in runs.items():
        rate, memory = max(rate for rate, _ in results), max(memory for _, memory in results)
        print(f"  {name:<52} {rate / 1000:>8,.0f} k lines/s {memory:>6,.0f} MB   ours is {ours / rate:.2f}x")
    share(path, lines, 2, repeat)


def run(path: Path, lines: int, workers: int) -> Run:
    return Run(*child(RUN.format(root=str(ROOT), path=str(path), lines=lines, workers=workers)))


def side_by_side(path: Path, lines: int, count: int) -> float:
    """Return the seconds that independent runs take, all at the same time."""
    with ThreadPoolExecutor(count) as threads:
        return max(each.seconds for each in threads.map(lambda _: run(path, lines, 1), range(count)))


def share(path: Path, lines: int, workers: int, repeat: int) -> None:
    """Print what several processes bring, and what limits it.

    What else the machine does shows in the clock. So three more ratios stand beside it: what the same number of
    independent runs reach together; what processor time alone gives, which is what an idle machine would show; and
    what it would be if all that more processes cost were their start.
    """
    alone, shared, together, starts = [], [], [], []
    for _ in range(repeat):  # in turns, so that each meets the same other work
        alone.append(run(path, lines, 1))
        shared.append(run(path, lines, workers))
        together.append(side_by_side(path, lines, workers))
        starts += child(START.format(root=str(ROOT)))
    for name, runs in (("one process", alone), (f"{workers} processes", shared)):
        best = min(runs)
        used = min(each.processor + each.below for each in runs)
        print(
            f"  {name:<12} {lines / best.seconds / 1000:>6,.0f} k lines/s by the clock, {used:.2f} s of processor time, "
            f"{best.peak:.0f} MB" + (f" + {workers - 1} x {best.peak_below:.0f}" if best.below else "")
        )
    if not max(each.below for each in shared):
        print("  ratio        1: a file of this size is not shared")
        return
    seconds = min(alone).seconds
    processor, start = min(each.processor for each in alone), min(starts)
    ideal = workers * processor / min(each.processor + each.below for each in shared)
    print(
        f"  ratio        {seconds / min(shared).seconds:.2f} by the clock, where independent runs reach "
        f"{workers * seconds / min(together):.2f}; {ideal:.2f} by processor time, where the start of a process "
        f"({start:.2f} s) allows {workers * processor / (processor + (workers - 1) * start):.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each; the best one counts")
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
                measure(path, kind, options.lines, options.repeat)


if __name__ == "__main__":
    main()
