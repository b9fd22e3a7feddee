"""Decoders that misbehave, for the workers to survive."""

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

from manifest_tools.core.errors import UnavailableError
from manifest_tools.images.facts import facts_of


def troubled(data, **options):
    """Look at an image, unless its last bytes ask for trouble."""
    if data.endswith(b"ABORT"):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.abort()
    if data.endswith(b"EXIT"):
        os._exit(3)
    if data.endswith(b"RAISE"):
        msg = "a bug"
        raise RuntimeError(msg)
    if data.endswith(b"SLEEP"):
        time.sleep(600)
    return facts_of(data, **options)


def counting(data, **options):
    """Look at an image, and leave a mark in the folder that the environment names."""
    with Path(os.environ["LOOKS"]).open("a") as marks:
        marks.write("x")
    return facts_of(data, **options)


@dataclass(frozen=True)
class FarFolder:
    """Reads ``s3://bucket/NAME`` from a folder, after a while; what is not there is out of reach."""

    root: str
    seconds: float

    def __call__(self, uri):
        time.sleep(self.seconds)
        try:
            return Path(self.root, uri.removeprefix("s3://bucket/")).read_bytes()
        except FileNotFoundError as error:
            raise UnavailableError(uri) from error
