"""What a run over very many images takes: requests, bytes, hours, and money where prices are given.

    python benchmarks/scale/estimate.py --images 100000000 --processors 256 --kilobytes 400 --milliseconds 9

Every number is a parameter; the defaults are what the other scripts here measured. Nothing is known of prices: give
those of your region and contract.
"""

from __future__ import annotations

import argparse
from math import ceil

from manifest_tools.pipeline.batch.plan import BATCH_IMAGES, PART_IMAGES

LIST_PAGE = 1000  # keys a request; https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
SHARD_BYTES = 620  # of an image's facts in a finished batch
ROW_BYTES = 650  # of an image's fingerprints in scratch files
SCHEDULER_MS = 3.5  # of a dask scheduler for one task


def parameters() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--images", type=float, default=1e8)
    add("--kilobytes", type=float, default=400, help="of one image")
    add("--milliseconds", type=float, default=9, help="of a processor, to fetch and to decode one image")
    add("--processors", type=int, default=256, help="of all workers together")
    add("--busy", type=float, default=0.85, help="share of their time that they work")
    add("--look-alike-hours", type=float, default=0, help="measured by lookalikes.py, or scaled up from it")
    add("--tps", type=float, default=0, help="calls per second to Rekognition; 0 leaves predictions out")
    add("--calls", type=float, default=1, help="share of the images that is asked about: copies share a call")
    for name, what in (
        ("get", "1,000 GET requests"),
        ("put", "1,000 PUT and LIST requests"),
        ("hour", "a processor for an hour"),
        ("ask", "1,000 calls to Rekognition"),
    ):
        add(f"--{name}-price", type=float, default=0, help=f"of {what}, in any currency")
    return parser.parse_args()


def estimate(asked: argparse.Namespace) -> dict[str, float]:
    """Return the numbers by name."""
    images = asked.images
    batches = ceil(images / BATCH_IMAGES)
    busy_hours = images * asked.milliseconds / 3.6e6
    hours = busy_hours / (asked.processors * asked.busy)
    lists = ceil(images / LIST_PAGE) + ceil(batches / LIST_PAGE)
    puts = batches + ceil(images / PART_IMAGES)
    gets = images + 2 * batches  # each finished batch is read for look-alikes, and again for the data set
    ask_hours = images * asked.calls / asked.tps / 3600 if asked.tps else 0
    money = {
        "requests": (gets * asked.get_price + (puts + lists) * asked.put_price) / 1000,
        "processors": asked.processors * hours * asked.hour_price,
        "calls": images * asked.calls * asked.ask_price / 1000 if asked.tps else 0,
    }
    return {
        "batches": batches,
        "LIST requests": lists,
        "GET requests": gets,
        "PUT requests": puts,
        "terabytes read": images * asked.kilobytes / 1e9,
        "gigabits per second": images * asked.kilobytes * 8e3 / (hours * 3.6e12),
        "processor hours": busy_hours,
        "hours of the batches": hours,
        "hours of the scheduler's own work": batches * SCHEDULER_MS / 3.6e6,
        "gigabytes of finished batches": images * SHARD_BYTES / 1e9,
        "gigabytes of fingerprints, in files beside the result": images * ROW_BYTES / 1e9,
        "hours of the look-alike search": asked.look_alike_hours,
        "hours of asking the base model": ask_hours,
        **{f"money for {name}": value for name, value in money.items() if value},
    }


def main() -> None:
    for name, value in estimate(parameters()).items():
        print(f"{name:<56} {value:>16,.{0 if value >= 100 else 2}f}")


if __name__ == "__main__":
    main()
