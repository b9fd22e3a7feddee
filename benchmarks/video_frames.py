"""Take one frame in two seconds from a 1080p video: beside decoding all of it, and beside ``ffmpeg -vf fps``.

Usage: python benchmarks/video_frames.py [--minutes 60] [--keyframes 2]
The video is made here: a minute of a moving picture, encoded as H.264 and repeated without encoding again. The fewer
keyframes a video has, the more of it must be decoded; streams have one in two to four seconds, x264 by default one in
ten at 25 frames a second.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

RATE, WIDTH, HEIGHT = 25, 1920, 1080


def make(path: Path, minutes: int, keyframes: float) -> None:
    """Write the video."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (HEIGHT // 20, WIDTH // 10, 3), dtype=np.uint8)
    picture = coarse.repeat(20, axis=0).repeat(20, axis=1)  # twice as wide as a frame, which moves over it
    with av.open(str(path.with_suffix(".minute.mp4")), "w") as container:
        options = {"preset": "veryfast", "crf": "26", "sc_threshold": "0"}
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = round(keyframes * RATE)
        for number in range(60 * RATE):
            shift = number % WIDTH
            pixels = np.ascontiguousarray(picture[:, shift : shift + WIDTH])
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    with av.open(str(path), "w") as container:
        out = None
        for minute in range(minutes):
            with av.open(str(path.with_suffix(".minute.mp4"))) as source:
                stream = source.streams.video[0]
                out = out or container.add_stream_from_template(stream)
                offset = round(minute * 60 / stream.time_base)
                for packet in source.demux(stream):
                    if packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, out
                        container.mux(packet)
    path.with_suffix(".minute.mp4").unlink()


class Cost(NamedTuple):
    """Seconds by the clock, and of all processors: a busy machine disturbs these less."""

    clock: float
    cpu: float

    def beside(self, other: Cost) -> str:
        """Say what part of another piece of work this one costs."""
        return f"ours is {self.clock / other.clock:.2f} of it by the clock, {self.cpu / other.cpu:.2f} of its CPU"

    def __str__(self) -> str:
        return f"{self.clock:7.1f} s {self.cpu:7.1f} s CPU"


def cpu() -> float:
    """Return the processor time of this process and those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def cost(work: Callable[[], object]) -> Cost:
    """Return what a piece of work takes."""
    start, used = time.perf_counter(), cpu()
    work()
    return Cost(time.perf_counter() - start, cpu() - used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--keyframes", type=float, default=2, help="seconds between two keyframes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        video = folder / "made.mp4"
        make(video, asked.minutes, asked.keyframes)
        print(
            f"{asked.minutes} min of 1080p H.264, a keyframe in {asked.keyframes:g} s, {video.stat().st_size / 1e6:,.0f} MB"
        )
        ffmpeg = shutil.which("ffmpeg")
        command = [
            sys.executable,
            "-m",
            "manifest_tools",
            "frames",
            str(video),
            "--out",
            str(folder / "frames"),
        ]
        ours = cost(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        print(f"  {len(list((folder / 'frames').rglob('*.jpg')))} frames")
        print(f"frames --every 2s              {ours}")
        if ffmpeg is None:
            print("no ffmpeg here to compare with")
            return
        quiet = [ffmpeg, "-v", "error", "-i", str(video)]
        whole = cost(lambda: subprocess.run([*quiet, "-f", "null", "-"], check=True))
        (folder / "peer").mkdir()
        peer = [*quiet, "-vf", "fps=1/2", "-q:v", "2", str(folder / "peer" / "%06d.jpg")]
        fps = cost(lambda: subprocess.run(peer, check=True))
        print(f"ffmpeg, all frames decoded     {whole}   {ours.beside(whole)}")
        print(f"ffmpeg -vf fps=1/2             {fps}   {ours.beside(fps)}")


if __name__ == "__main__":
    main()
