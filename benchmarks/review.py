"""How long the next picture takes on the review page, at 10,000 images, against the limit of 100 ms.

Needs the extra ``review``, playwright and a chromium. Run: python benchmarks/review.py [answers]
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from manifest_tools.core.taxonomy import Taxonomy
from manifest_tools.dataset.dataset import Dataset

IMAGES, FILES, LIMIT = 10_000, 60, 100.0  # milliseconds
PACE = 700  # milliseconds that a person looks at a picture, at the very least
WATCH = """() => {
  window.took = [];
  addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowRight' && event.key !== 'n') return;
    const began = performance.now(), was = document.body.dataset.ready;
    new MutationObserver((_, watch) => {
      if (document.body.dataset.ready === was) return;
      watch.disconnect();
      requestAnimationFrame(() => took.push(performance.now() - began));
    }).observe(document.body, { attributes: true });
  }, true);
}"""


def make(place: Path) -> Path:
    """Write photographs of 4 megapixels and a data set that shows each of them many times."""
    random = np.random.default_rng(0)
    for number in range(FILES):
        coarse = Image.fromarray(random.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        coarse.resize((2400, 1800), Image.Resampling.BICUBIC).save(place / f"{number}.jpg", quality=90)
    names = [f"{number:05}.jpg" for number in range(IMAGES)]
    top = Taxonomy.load().top
    images = pd.DataFrame({"image": names, "uri": [f"{n % FILES}.jpg" for n in range(IMAGES)]})
    images = images.assign(predicted="7.0", min_confidence=50.0)
    labels = pd.DataFrame({"image": names, "label": random.choice(top, IMAGES), "source": "predictions"})
    labels = labels.assign(score=random.uniform(50, 100, IMAGES))
    Dataset.from_tables(images, labels, root=str(place)).save(place / "out")
    return place / "out"


def resident(process: int) -> float:
    """Return the memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def main(answers: int) -> None:
    """Answer some images and print what it took."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a peer that may be missing
    except ImportError:
        print("skipped: playwright is not installed")
        return
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("skipped: no chromium on this machine")
        return
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = make(Path(name))
        command = [
            sys.executable,
            "-m",
            "manifest_tools",
            "review",
            str(folder),
            "--no-browser",
            "-q",
            "--pause-after",
        ]
        server = subprocess.Popen(
            [*command, "1000000", "--session", "1000000"], stdout=subprocess.PIPE, text=True
        )
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(server.stdout.readline().strip())
        page.wait_for_function("() => document.body.dataset.ready")
        page.evaluate(WATCH)
        memory = []
        for _ in range(answers):
            page.keyboard.press("Space")
            page.wait_for_selector("#stage.shown")
            page.wait_for_timeout(PACE)
            was = page.evaluate("document.body.dataset.ready")
            page.keyboard.press("n")
            page.wait_for_function(f"() => document.body.dataset.ready !== '{was}'")
            memory.append(resident(server.pid))
        took = np.array(page.evaluate("took"))
        browser.close()
        server.terminate()
        server.wait()
        server.stdout.close()
    for share in (50, 95):
        value = float(np.percentile(took, share))
        print(
            f"next picture, {share} % of {len(took)} answers within: {value:.0f} ms = {value / LIMIT:.2f} of the limit"
        )
    print(f"server's memory: {memory[0]:.0f} MB at first, {memory[-1]:.0f} MB at the end")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
