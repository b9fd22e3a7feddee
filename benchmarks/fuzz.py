"""Broken input of every kind: no traceback, no hang, no gigabyte.

Seeds in our own formats are changed where it hurts (values of other types, members that are gone or stand twice, lists
in lists, numbers beyond all bounds, bytes that are cut, copied or flipped) and given to what reads them. What raises
anything but our own errors, takes more than ten seconds or a gigabyte is kept in a folder and told.

    python benchmarks/fuzz.py                         # a minute
    python benchmarks/fuzz.py --seconds 1200 --seed 7
    python benchmarks/fuzz.py --again FOLDER          # what was kept
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from manifest_tools.core.errors import ManifestToolsError
from manifest_tools.findings.policy import Policy
from manifest_tools.images.facts import read_facts
from manifest_tools.manifests.convert import convert_manifest
from manifest_tools.manifests.diff import compare_manifests
from manifest_tools.manifests.kinds import KINDS
from manifest_tools.manifests.reading import read_manifest
from manifest_tools.manifests.repair import repair_manifest
from manifest_tools.manifests.validation.validate import validate_manifest
from manifest_tools.pipeline.check_pair import check_pair
from manifest_tools.pipeline.split import split_manifest
from manifest_tools.review.pictures import show
from manifest_tools.sources.formats.detect import read_labels

SECONDS = 10  # of processor time, for one step with one input
MEMORY = 1_000_000_000  # bytes for one input, beyond what the process had
LARGEST = 10_000_000  # bytes of one input

Reader = Callable[[Path], object]


class Seed(NamedTuple):
    """What is changed: a file name, its content, and who reads it."""

    name: str
    data: bytes
    reader: str


class Failure(NamedTuple):
    """An input that broke something, and how."""

    seed: Seed
    data: bytes
    what: str


def _manifest(path: Path) -> None:
    validate_manifest(path)
    out = path.with_name("out")
    for step in (
        *(partial(convert_manifest, path, out, kind=kind) for kind in KINDS),
        lambda: repair_manifest(path, out),
        lambda: read_manifest(path),
        lambda: compare_manifests(path, path),
        lambda: check_pair(path, path),
        lambda: split_manifest(path, out=path.with_name("parts")),
    ):
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # each step has its own time
        try:
            step()
        except ManifestToolsError as error:
            _is_sentence(error)


def _image(path: Path) -> None:
    read_facts(path)
    read_facts(path, quick=True)
    data = path.read_bytes()
    try:
        show(data)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - the page says that it cannot be shown, whatever it is
        return


READERS: dict[str, Reader] = {
    "manifest": _manifest,
    "labels": read_labels,
    "image": _image,
    "policy": Policy.from_toml,
}


def _is_sentence(error: ManifestToolsError) -> None:
    if len(str(error)) > 5_000 or "Traceback" in str(error):
        raise AssertionError(f"an error of {len(str(error)):,} characters")


# --- seeds ---------------------------------------------------------------------------------------------------------


def seeds() -> list[Seed]:
    """Return small sound files of the formats that we read."""
    return [*_manifests(), *_labels(), *_images(), *_policies()]


def _lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def _manifests() -> Iterator[Seed]:
    truth = "content-moderation-groundtruth"
    labels = [[], [{"Name": "Alcohol"}], [{"Name": "Violence"}, {"Name": "Alcohol"}], [{"Name": "alcohol"}]]
    moderation = [
        {"source-ref": f"s3://acme-mod/{n}.jpg", truth: {"ModerationLabels": given}}
        for n, given in enumerate(labels)
    ]
    predicted = {
        "ModerationLabels": [{"Name": "Alcohol", "Confidence": 71.5, "ParentName": ""}],
        "ModerationModelVersion": "7.0",
    }
    job = {
        "job-name": "labeling-job/x",
        "human-annotated": "yes",
        "creation-date": "2026-01-15T08:31:00.000200",
    }
    many = job | {"class-map": {"0": "Alcohol", "1": "Violence"}, "confidence-map": {"0": 0.9, "1": 0.4}}
    boxes = {
        "image_size": [{"width": 500, "height": 400, "depth": 3}],
        "annotations": [{"class_id": 0, "left": 10, "top": 20, "width": 30, "height": 40}],
    }
    kind = "groundtruth/"
    lines = {
        "moderation": _lines(*moderation * 6),
        "output": _lines(*({**line, "detect-moderation-labels-base-model": predicted} for line in moderation)),
        "bulk": _lines(*({"source-ref": line["source-ref"], "detect-moderation-labels": predicted} for line in moderation)),
        "list": _lines(*({"source-ref": line["source-ref"]} for line in moderation)),
        "single": _lines(
            {"source-ref": "s3://acme-mod/1.jpg", "c": 0,
             "c-metadata": job | {"class-name": "Alcohol", "confidence": 0.9, "type": kind + "image-classification"}}
        ),
        "multi": _lines(
            *({"source-ref": f"s3://acme-mod/{n}.jpg", "u": [0, 1],
               "u-metadata": many | {"type": kind + "image-classification-multilabel"}} for n in range(4))
        ),
        "boxes": _lines(
            {"source-ref": "s3://acme-mod/1.jpg", "b": boxes,
             "b-metadata": job | {"objects": [{"confidence": 0.9}], "class-map": {"0": "Alcohol"},
                                  "type": kind + "object-detection"}}
        ),
    }  # fmt: skip
    return (Seed(f"{name}.manifest", data, "manifest") for name, data in lines.items())


def _labels() -> Iterator[Seed]:
    coco = {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 100, "height": 80},
            {"id": 2, "file_name": "b.jpg"},
        ],
        "categories": [{"id": 1, "name": "Alcohol"}, {"id": 2, "name": "Violence"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    }
    choice = {"from_name": "c", "to_name": "image", "type": "choices", "value": {"choices": ["Alcohol"]}}
    tasks = [
        {"id": 1, "data": {"image": "/data/upload/a.jpg"}, "annotations": [{"id": 1, "result": [choice]}]}
    ]
    labelme = {
        "version": "5.0.1",
        "flags": {"Alcohol": True},
        "shapes": [],
        "imagePath": "a.jpg",
        "imageData": None,
    }
    vott = {
        "assets": {"x": {"asset": {"name": "a.jpg"}, "regions": [{"tags": ["Alcohol"]}]}},
        "tags": [{"name": "Alcohol"}],
    }
    createml = [
        {
            "image": "a.jpg",
            "annotations": [{"label": "Alcohol", "coordinates": {"x": 1, "y": 2, "width": 3, "height": 4}}],
        }
    ]
    rows = [{"image": "a.jpg", "labels": ["Alcohol"]}, {"image": "b.jpg", "labels": []}]
    voc = b"<annotation><filename>a.jpg</filename><object><name>Alcohol</name></object></annotation>"
    cvat = (
        b"<annotations><version>1.1</version><meta><task><labels><label><name>Alcohol</name></label></labels></task></meta>"
        b'<image id="0" name="a.jpg" width="9" height="9"><tag label="Alcohol" source="manual"></tag></image></annotations>'
    )
    files = {
        "coco.json": json.dumps(coco).encode(),
        "tasks.json": json.dumps(tasks).encode(),
        "labelme.json": json.dumps(labelme).encode(),
        "vott.json": json.dumps(vott).encode(),
        "createml.json": json.dumps(createml).encode(),
        "rows.jsonl": _lines(*rows),
        "long.csv": b"image,labels\na.jpg,Alcohol;Violence\nb.jpg,Safe\nc.jpg,\n",
        "wide.csv": b"image,Alcohol,Violence\na.jpg,1,0\nb.jpg,0,\n",
        "boxes.csv": b"filename,class,xmin,ymin,xmax,ymax\na.jpg,Alcohol,1,2,3,4\n",
        "open-images.csv": b"ImageID,Source,LabelName,Confidence\na,verification,/m/x,1\n",
        "voc.xml": voc,
        "cvat.xml": cvat,
    }
    return (Seed(name, data, "labels") for name, data in files.items())


def _images() -> Iterator[Seed]:
    picture = Image.radial_gradient("L").resize((96, 80)).convert("RGB")
    kinds: dict[str, dict[str, Any]] = {
        "JPEG": {}, "PNG": {}, "GIF": {}, "WEBP": {}, "TIFF": {"compression": "tiff_adobe_deflate"}, "BMP": {},
        "PPM": {}, "ICO": {},
    }  # fmt: skip
    for kind, options in kinds.items():
        stream = io.BytesIO()
        picture.save(stream, kind, **options)
        yield Seed(f"{kind.lower()}.jpg", stream.getvalue(), "image")
    for name, more in {"progressive": {"progressive": True}, "cmyk": {}}.items():
        stream = io.BytesIO()
        (picture.convert("CMYK") if name == "cmyk" else picture).save(stream, "JPEG", **more)
        yield Seed(f"{name}.jpg", stream.getvalue(), "image")


def _policies() -> Iterator[Seed]:
    text = b'confidence_threshold = 50\nsafe_names = ["Safe", "None"]\nreading = "any"\n[severities]\n"image-blank" = "note"\n'
    yield Seed("policy.toml", text, "policy")


# --- changes -------------------------------------------------------------------------------------------------------

_NUMBERS = (0, -1, 1e308, 2**63, 2**64, 10**30, 0.1, -0.0, 65_536)
_TEXTS = (
    "",
    "a",
    "\0",
    "\u202e",
    "\ud800",
    "é" * 50,
    "=1+1",
    "../../x",
    "s3://",
    "null",
    "x" * 5_000,
    "\n",
    '"',
    "[{" * 300,
)


def changed(seed: Seed, dice: random.Random) -> bytes:
    """Return a seed's content with some changes."""
    data = seed.data
    if seed.reader != "image" and dice.random() < 0.7:
        data = (
            _changed_lines(data, dice)
            if seed.name.endswith((".manifest", ".jsonl"))
            else _changed_text(seed, data, dice)
        )
    if dice.random() < (0.9 if seed.reader == "image" else 0.4):
        for _ in range(dice.choice((1, 1, 2, 5))):
            data = _changed_bytes(data, dice)
    return data[:LARGEST]


def _changed_text(seed: Seed, data: bytes, dice: random.Random) -> bytes:
    if seed.name.endswith(".json"):
        return _dumped(_changed_value(json.loads(data), dice))
    separators = (b",", b"\n") if seed.name.endswith(".csv") else (b">", b"=")
    cut = data.split(dice.choice(separators))
    at = dice.randrange(len(cut))
    odd = dice.choice(
        [*(text.encode("utf-8", "surrogatepass") for text in _TEXTS), b'"', b"\r", b",", b"<a>" * 500]
    )
    cut[at] = dice.choice((odd, cut[at] + odd, b"", cut[at] * dice.choice((2, 50, 3_000))))
    return dice.choice(separators).join(cut)


def _changed_lines(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines()
    for _ in range(dice.choice((1, 1, 3))):
        at = dice.randrange(len(lines))
        try:
            value = json.loads(lines[at])
        except ValueError:
            continue
        lines[at] = _dumped(_changed_value(value, dice))
        if dice.random() < 0.2:
            lines[at] = lines[at][:-1] + b"," + lines[at][1:]  # every key twice
    if dice.random() < 0.1:
        lines *= dice.choice((2, 200))
    return dice.choice((b"\n", b"\n", b"\r\n", b"\n\n")).join(lines)


def _dumped(value: object) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except RecursionError:
        return b"[" * 2_000


def _changed_value(value: Any, dice: random.Random) -> Any:
    """Change one value somewhere in a parsed JSON document."""
    if isinstance(value, dict) and value and dice.random() < 0.85:
        key = dice.choice(list(value))
        how = dice.random()
        if how < 0.7:
            return value | {key: _changed_value(value[key], dice)}
        if how < 0.8:
            return {name: item for name, item in value.items() if name != key}
        if how < 0.9:
            return {(dice.choice(_TEXTS) if name == key else name): item for name, item in value.items()}
        return value | {dice.choice(_TEXTS): _odd(dice) for _ in range(dice.choice((1, 1, 300)))}
    if isinstance(value, list) and value and dice.random() < 0.85:
        at = dice.randrange(len(value))
        how = dice.random()
        if how < 0.7:
            return [*value[:at], _changed_value(value[at], dice), *value[at + 1 :]]
        return value * dice.choice((0, 2, 500)) if how < 0.9 else [*value, _odd(dice)]
    return _odd(dice) if dice.random() < 0.8 else _nested(value, dice)


def _odd(dice: random.Random) -> Any:
    return dice.choice(
        (None, True, [], {}, [[]], {"": None}, dice.choice(_NUMBERS), dice.choice(_TEXTS), [0] * 2_000)
    )


def _nested(value: Any, dice: random.Random) -> Any:
    for _ in range(dice.choice((1, 3, 30, 245, 300, 700))):
        value = [value] if dice.random() < 0.5 else {"a": value}
    return value


def _changed_bytes(data: bytes, dice: random.Random) -> bytes:
    if not data:
        return b"\0"
    at, more = dice.randrange(len(data)), dice.choice((1, 2, 4, 64, 1_000))
    part = data[at : at + more]
    return dice.choice([
        lambda: data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :],
        lambda: data[:at],
        lambda: data[:at] + data[at + more :],
        lambda: data[:at] + part * dice.choice((2, 100, 20_000)) + data[at + more :],
        lambda: data[:at] + dice.randbytes(len(part)) + data[at + more :],
        lambda: data[:at] + struct.pack(dice.choice(("<I", ">I")), dice.choice((0, 1, 2**16, 2**31, 2**32 - 1))) + data[at + 4 :],
        lambda: data[:at] + dice.choice((b"\xff\xd8", b"\0" * 300, b"\xef\xbb\xbf", b"\n" * 5_000)) + data[at:],
    ])()  # fmt: skip


# --- running -------------------------------------------------------------------------------------------------------


def problem_of(seed: Seed, data: bytes) -> str:
    """Return what is wrong with how an input was read; "" when nothing is."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, _bounded():
        path = Path(folder, seed.name)
        path.write_bytes(data)
        try:
            READERS[seed.reader](path)
        except ManifestToolsError as error:
            return "" if len(str(error)) < 5_000 else f"an error of {len(str(error)):,} characters"
        except BaseException:  # noqa: BLE001 - this is what we look for
            return traceback.format_exc(limit=-6)
    return ""


@contextmanager
def _bounded() -> Iterator[None]:
    """Interrupt what takes too long, and refuse too much memory."""

    def late(_signal: int, _frame: object) -> None:
        raise TimeoutError(f"more than {SECONDS} seconds")

    before = signal.signal(signal.SIGPROF, late)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, limits[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGPROF, before)


def fuzz(seed: int, *, seconds: float = float("inf"), cases: int = sys.maxsize) -> Iterator[Failure | Seed]:
    """Yield each seed that was tried, or the failure that it led to."""
    dice, every = random.Random(seed), seeds()
    end = time.monotonic() + seconds
    for number in range(cases):
        if time.monotonic() > end:
            return
        one = every[number % len(every)]
        data = changed(one, dice)
        what = problem_of(one, data)
        yield Failure(one, data, what) if what else one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir(), "fuzz-failures"))
    parser.add_argument("--again", type=Path, help="read what was kept in this folder once more")
    options = parser.parse_args()
    if options.again:
        for path in sorted(options.again.glob("*.input")):
            reader, name = path.name.split("~")[1:3]
            print(
                path.name,
                problem_of(Seed(name.removesuffix(".input"), b"", reader), path.read_bytes()) or "fine",
            )
        return
    tried: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for outcome in fuzz(options.seed, seconds=options.seconds):
        if isinstance(outcome, Seed):
            tried[outcome.reader] += 1
            continue
        last = " | ".join(outcome.what.strip().splitlines()[-3:])
        told[last] += 1
        if told[last] == 1:
            options.out.mkdir(parents=True, exist_ok=True)
            number = f"{os.getpid()}-{len(told):03}"
            path = options.out / f"{number}~{outcome.seed.reader}~{outcome.seed.name}.input"
            path.write_bytes(outcome.data)
            print(f"{path}: {last}", flush=True)
    print(
        f"{sum(tried.values()):,} inputs fine ({dict(tried)}), {sum(told.values()):,} not, in {len(told)} ways"
    )
    raise SystemExit(bool(told))


if __name__ == "__main__":
    main()
