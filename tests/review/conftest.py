"""A small output folder to review, the server on it, and a browser."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from pathlib import Path

import pandas as pd
import pytest

from manifest_tools.dataset.dataset import Dataset
from tests.pictures import save

ALCOHOL, VIOLENCE, GAMBLING = "Alcohol", "Violence", "Gambling"


def image_of(number: int, name: str = "", **facts: object) -> dict[str, object]:
    name = name or f"{number:03}.png"
    return {"image": name, "uri": name, "judged": "scope", "predicted": "7.0", "min_confidence": 50.0} | facts


def make_folder(place: Path, images: list[dict[str, object]], labels: list[tuple[object, ...]]) -> Path:
    """Write pictures and an output folder; `labels` are image, label, source, truth, score."""
    for number, image in enumerate(images):
        path = save(place / "pictures" / str(image["image"]), number)
        image.setdefault("sha256", hashlib.sha256(path.read_bytes()).hexdigest())
    table = pd.DataFrame(labels, columns=["image", "label", "source", "truth", "score"])
    dataset = Dataset.from_tables(
        pd.DataFrame(images), table, root=str(place / "pictures"), scope=(VIOLENCE,),
        sources={"table": {"scope": [VIOLENCE]}},
    )  # fmt: skip
    dataset.save(place / "out")
    return place / "out"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a folder of five images: two unchecked, one prediction that was confirmed by a table, one unlabelled, one done."""
    images = [image_of(n) for n in range(3)] + [image_of(3, judged=""), image_of(4)]
    labels = [
        ("000.png", VIOLENCE, "table", False, None),
        ("000.png", ALCOHOL, "predictions", None, 60.0),
        ("001.png", VIOLENCE, "table", False, None),
        ("001.png", ALCOHOL, "predictions", None, 90.0),
        ("002.png", VIOLENCE, "table", True, None),
        ("002.png", VIOLENCE, "predictions", None, 99.0),
        ("004.png", VIOLENCE, "table", False, None),
    ]
    return make_folder(tmp_path, images, labels)


@pytest.fixture
def many(tmp_path) -> Path:
    """Return a folder of 30 images, each with one unchecked prediction."""
    images = [image_of(number, judged="") for number in range(30)]
    labels = [(f"{n:03}.png", ALCOHOL, "predictions", None, 99.0 - n) for n in range(30)]
    return make_folder(tmp_path, images, labels)


@pytest.fixture
def serving(monkeypatch):
    """Return a context manager that serves a folder and gives the address with the token."""
    server = pytest.importorskip("manifest_tools.review.server", exc_type=ImportError)

    @contextlib.contextmanager
    def run(folder, reviewer="ana", session=None, **more):
        servers, address, ready = [], [], threading.Event()

        class Watched(server._Server):
            def __init__(self, config):
                super().__init__(config)
                servers.append(self)

        def told(url):
            address.append(url)
            ready.set()

        def read(uri):
            raise AssertionError(uri)

        monkeypatch.setattr(server, "_Server", Watched)
        options = {"reviewer": reviewer, "reader": read, "ready": told} | more
        if session:
            options["session"] = server.Session(*session)
        thread = threading.Thread(target=server.serve, args=(folder,), kwargs=options)
        thread.start()
        try:
            assert ready.wait(60)
            yield address[0]
        finally:
            servers[0].should_exit = True
            thread.join(60)
            assert not thread.is_alive()

    return run
