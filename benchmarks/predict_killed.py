"""Killing `predict` again and again: what is lost, what is asked twice.

A process that asks a local Rekognition about pictures is killed (SIGKILL) at random moments, and started again
each time. In the end the results must be those of an undisturbed run, and no picture whose answer was on disk
may have been asked about again.

    python benchmarks/predict_killed.py [--images 2000] [--kills 50]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pandas as pd

from manifest_tools.aws.prediction.output_files import MANIFEST
from manifest_tools.aws.prediction.predict import JOURNAL, predict_labels
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.testing import local_rekognition

TPS = 200.0
WORKERS = 16
PATIENT = 0.999  # chance, every 5 ms, to wait on for a first call: most kills come after it, some before


@dataclass(frozen=True)
class Outcome:
    """Lines lost or changed against an undisturbed run, kills that hit, and pictures asked about repeatedly."""

    different: int
    kills: int
    asked_again: int
    asked_though_on_disk: int


def write_pictures(folder: Path, count: int) -> Dataset:
    rows = []
    for number in range(count):
        content = b"\xff\xd8\xff\xe0" + number.to_bytes(4, "big")
        name = f"{number:05} ü#%.jpg"
        (folder / name).write_bytes(content)
        rows.append(
            {"image": name, "bytes": len(content), "sha256": sha256(content).hexdigest(), "format": "JPEG"}
        )
    return Dataset.from_tables(pd.DataFrame(rows), root=str(folder))


def serve(data: str, out: str) -> None:
    """Fork a run for each line on standard input, and tell its process id, then how it ended."""
    dataset = Dataset.load(data)
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            predict_labels(dataset, out, tps=TPS, workers=WORKERS)
            os._exit(0)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


def on_disk(out: Path) -> list[str]:
    """Return the pictures whose answers are whole on disk."""
    path = out / JOURNAL
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line)["picture"] for line in lines]


def kill_repeatedly(images: int, kills: int, seed: int = 0) -> Outcome:
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as place, local_rekognition(latency=0.02) as server:
        folder = Path(place)
        (folder / "images").mkdir()
        write_pictures(folder / "images", images).save(folder)
        predict_labels(Dataset.load(folder), folder / "calm", client=server.client(), tps=TPS)
        server.pictures.clear()
        command = [sys.executable, __file__, "--serve", str(folder), str(folder / "killed")]
        root = str(Path(__file__).parents[1])  # a checkout that is not installed runs too
        environment = {**os.environ, **server.environment, "PYTHONPATH": root}
        hits = 0
        fixed: Counter[str] = Counter()
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as runs:
            for attempt in range(kills + 1):
                runs.stdin.write("go\n")
                runs.stdin.flush()
                pid = int(runs.stdout.readline())
                if attempt < kills:
                    asked = server.pictures.total()
                    left = (images - len(fixed)) / TPS
                    while dice.random() < PATIENT and server.pictures.total() == asked:
                        time.sleep(0.005)
                    time.sleep(dice.uniform(0, 1.5 * left / (kills - attempt)))
                    with suppress(ProcessLookupError):  # it may have ended by itself
                        os.kill(pid, signal.SIGKILL)
                status = int(runs.stdout.readline())
                assert status in (0, signal.SIGKILL), f"the run failed: {status}"
                hits += status == signal.SIGKILL
                for picture in on_disk(folder / "killed"):
                    fixed.setdefault(picture, server.pictures[picture])
            runs.stdin.close()
        calm, killed = ((folder / run / MANIFEST).read_bytes().split(b"\n") for run in ("calm", "killed"))
        return Outcome(
            different=sum((Counter(calm) - Counter(killed)).values()) + (calm != killed),
            kills=hits,
            asked_again=sum(count - 1 for count in server.pictures.values()),
            asked_though_on_disk=sum(server.pictures[picture] - count for picture, count in fixed.items()),
        )


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    outcome = kill_repeatedly(options.images, options.kills)
    print(f"{outcome.kills} kills over {options.images} images: {outcome.different} lines lost or different,")
    print(
        f"{outcome.asked_again} calls repeated, {outcome.asked_though_on_disk} of them with the answer on disk"
    )


if __name__ == "__main__":
    main()
