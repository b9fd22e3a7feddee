"""What is lost or asked twice when three people with a browser each review one folder and processes are killed.

Needs the extra ``review``, playwright and a chromium. Run: python benchmarks/review_team.py [images] [kills]
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.review.entries import Look
from manifest_tools.review.journal import ReviewJournal

LABEL, FILES = "Alcohol", 6
PATIENCE, LONGEST = 30, 900  # seconds for a page, and for a run
KEYS = {"ana": "y", "ben": "n", "cem": "y"}  # what each says of every picture


def make(place: Path, count: int) -> Path:
    """Write a few pictures, and a data set that shows each of them many times."""
    noise = np.random.default_rng(0)
    for number in range(FILES):
        coarse = Image.fromarray(noise.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((160, 120)).save(place / f"{number}.jpg")
    names = [f"{number:05}.jpg" for number in range(count)]
    images = pd.DataFrame({"image": names, "uri": [f"{n % FILES}.jpg" for n in range(count)]})
    images = images.assign(predicted="7.0", min_confidence=50.0)
    labels = pd.DataFrame({"image": names, "label": LABEL, "source": "predictions", "score": 90.0})
    Dataset.from_tables(images, labels, root=str(place)).save(place / "out")
    return place / "out"


@dataclass
class Person:
    """One reviewer: a process of the command, a browser, and what they did."""

    name: str
    folder: Path
    share: str
    shown: list[tuple[float, float, int]] = field(default_factory=list)  # from, to, image
    saved: list[int] = field(default_factory=list)  # images whose answer the server confirmed
    begun: int = 0  # how often
    server: subprocess.Popen[str] | None = None
    trouble: str = ""

    def work(self, chromium: str, stop: threading.Event) -> None:
        """Answer until nothing is left and everybody is done; begin anew when something was killed."""
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - a peer that may be missing

        try:
            with sync_playwright() as playwright:
                while not stop.is_set():
                    self.begun += 1
                    with contextlib.suppress(Error):
                        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                        self._session(browser, stop)
                    self.kill()
        except Exception as error:  # noqa: BLE001 - told by the caller
            self.trouble = repr(error)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill the process of the command."""
        if self.server is not None:
            with contextlib.suppress(ProcessLookupError):
                self.server.kill()
            self.server.wait()
            self.server.stdout.close()

    def _session(self, browser, stop: threading.Event) -> None:
        command = [sys.executable, "-m", "manifest_tools", "review", str(self.folder), "--no-browser", "-q"]
        command += ["--reviewer", self.name, "--second-look", self.share]
        command += ["--pause-after", "9999", "--session", "9999"]
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if address := self.server.stdout.readline().strip():
            page = browser.new_page()
            page.set_default_timeout(PATIENCE * 1000)
            page.goto(address)
            page.wait_for_function("() => document.body.dataset.ready")
            while not stop.is_set() and self._answer(page):
                pass
        browser.close()

    def _answer(self, page) -> bool:
        """Answer what is shown, or look again at the end; False when the server is gone."""
        before = page.evaluate("document.body.dataset.ready")
        if before == "end":
            time.sleep(0.2)
            page.evaluate("delete document.body.dataset.ready")
            page.keyboard.press("ArrowRight")
            page.wait_for_function(_NEWS, arg="")
            return not page.is_visible("#problem")
        image, began = int(before.partition(":")[0]), time.monotonic()
        page.keyboard.press("Space")
        page.wait_for_function(
            "() => document.querySelector('#stage.shown') || !document.getElementById('problem').hidden"
        )
        ended = time.monotonic()  # until here it was certainly open
        page.keyboard.press(KEYS[self.name])
        page.wait_for_function(_NEWS, arg=before)
        self.shown.append((began, ended, image))
        if page.is_visible("#problem"):
            return False
        self.saved.append(image)
        return True


_NEWS = """(before) => (document.body.dataset.ready ?? before) !== before
  || !document.getElementById('problem').hidden"""


def run(
    place: Path, chromium: str, *, images: int, share: str, people: int = 3, kills: int = 0
) -> dict[str, int]:
    """Let people work until every image has the looks that it needs, and return what was found of faults and figures."""
    folder, stop, chance = make(place, images), threading.Event(), random.Random(0)
    team = [Person(name, folder, share) for name in list(KEYS)[:people]]
    threads = [threading.Thread(target=person.work, args=(chromium, stop)) for person in team]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    seconds = int(np.ceil(float(share) * images))
    killed = 0
    while len(ReviewJournal.of(folder).standing) < images + seconds and time.monotonic() - began < LONGEST:
        time.sleep(0.3)
        done = len(ReviewJournal.of(folder).standing)
        if killed < kills and done > (killed + 1) * (images + seconds) // (kills + 2):
            victim = team[killed % len(team)].server
            if victim is not None and victim.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice([victim.pid, *_browsers()]), signal.SIGKILL)
                killed += 1
        if not any(thread.is_alive() for thread in threads):
            break
    time.sleep(0.5)  # whoever asks for one more would be seen
    stop.set()
    for thread in threads:
        thread.join()
    if trouble := [person.trouble for person in team if person.trouble]:
        raise RuntimeError(trouble[0])
    return {**_faults(folder, team, images, seconds), "answers": len(ReviewJournal.of(folder).standing), "killed": killed,
            "sessions": sum(person.begun for person in team), "seconds": round(time.monotonic() - began)}  # fmt: skip


def _browsers() -> list[int]:
    """Return the browsers that this process started, one of which may be killed in a server's place."""
    mine = os.getpid()
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = status.read_bytes().split(b"\0")
            if b"--no-sandbox" in words and not any(word.startswith(b"--type=") for word in words):
                number = int(status.parent.name)
                if _descends(number, mine):
                    found.append(number)
    return found


def _descends(process: int, ancestor: int) -> bool:
    while process > 1:
        if process == ancestor:
            return True
        process = int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    return False


def _faults(folder: Path, team: list[Person], images: int, seconds: int) -> dict[str, int]:
    standing = ReviewJournal.of(folder).standing
    position = {key: row for row, key in enumerate(Dataset.load(folder).images["image"])}
    looks = Counter((entry.reviewer, position[seen.image]) for entry in standing for seen in entry.images)
    by_image = Counter(image for _, image in looks)
    shown = [(*times, person.name) for person in team for times in person.shown]
    return {
        "lost": sum((person.name, image) not in looks for person in team for image in person.saved),
        "asked twice of one person": sum(count > 1 for count in looks.values()),
        "never asked": images - len(by_image),
        "second looks missing or too many": abs(sum(count > 1 for count in by_image.values()) - seconds),
        "third looks": sum(count > 2 for count in by_image.values()),
        "second looks not told apart": abs(sum(entry.look is Look.SECOND for entry in standing) - seconds),
        "open at two people at once": sum(
            one[2] == other[2] and one[3] < other[3] and one[0] < other[1] and other[0] < one[1]
            for one in shown
            for other in shown
        ),
    }


def main(images: int, kills: int) -> None:
    """Print the faults and figures of one run."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("skipped: no chromium on this machine")
        return
    with tempfile.TemporaryDirectory() as place:
        for name, value in run(Path(place), program, images=images, share="0.1", kills=kills).items():
            print(f"{name}: {value}")


if __name__ == "__main__":
    main(*(int(text) for text in (sys.argv[1:] + ["300", "6"][len(sys.argv) - 1 :])[:2]))
