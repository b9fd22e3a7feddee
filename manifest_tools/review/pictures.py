"""What the page shows of an image: a veil without detail until it is revealed, and the picture itself.

Both are made together and ahead of time, and kept in a cache of bounded size.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFilter

from manifest_tools.core.errors import ManifestToolsError
from manifest_tools.core.two_views import two_views
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.images.fetching import Reader
from manifest_tools.images.heavy import MAX_DECODED_BYTES
from manifest_tools.images.raster import FORMATS
from manifest_tools.images.showing import why_not_shown
from manifest_tools.images.stop_list.reading import read_stop_list
from manifest_tools.images.stop_list.screening import refuse_stopped
from manifest_tools.images.stop_list.stop_list import STOPPED
from manifest_tools.storage.uris import is_s3_uri

KEPT = 48  # pictures; about 200 kB each
_VEIL = 16  # pixels along the longer side: nothing can be made out
_SIDE = 1600  # pixels along the longer side of the picture
_DECODERS = threading.Semaphore(2)  # pictures in decoding at a time, of up to 400 MB


@dataclass(frozen=True, slots=True)
class Shown:
    """An image as the page gets it, as JPEG: `veil` is tiny, grey and blurred, `picture` is what the model sees.

    `people` is what people see where that is another picture, and else empty.
    """

    veil: bytes = b""
    picture: bytes = b""
    people: bytes = b""
    error: str = ""


class Pictures:
    """Makes and keeps what is shown of the images of a data set. For several threads.

    Parameters
    ----------
    dataset : Dataset
        Whose images are shown; they are asked for by position only.
    reader : callable
        Returns the bytes behind an ``s3://`` address. Local files are read directly.
    """

    def __init__(self, dataset: Dataset, reader: Reader) -> None:
        self._dataset, self._reader = dataset, reader
        self._uris = list(dataset.images["uri"].where(dataset.images["uri"] != "", dataset.images["image"]))
        self._stopped = dataset.images["decode_error"].str.startswith(STOPPED).tolist()
        self._stop_list = read_stop_list(dataset.stop_list)
        self._kept: OrderedDict[int, Future[Shown]] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, row: int) -> Shown:
        """Return an image, made now unless it was made ahead; whoever asks meanwhile waits for the same one."""
        with self._lock:
            future = self._kept.get(row)
            mine = future is None
            if future is None:
                future = self._kept[row] = Future()
            self._kept.move_to_end(row)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        if mine:
            future.set_result(self._make(row))
        return future.result()

    def _make(self, row: int) -> Shown:
        uri = self._uris[row]
        if self._stopped[row]:
            return Shown(error="it is on a stop list and is not shown")
        try:
            data = self._reader(uri) if is_s3_uri(uri) else _read(self._dataset.path_of(uri))
            with _DECODERS:
                refuse_stopped(data, self._stop_list, "the image")
                return show(data)
        except (OSError, ManifestToolsError) as error:
            return Shown(error=str(getattr(error, "strerror", "") or error))
        except Exception as error:  # noqa: BLE001 - decoders raise anything on broken data
            return Shown(error=f"the picture cannot be decoded: {error}")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_DECODED_BYTES + 1)


def show(data: bytes) -> Shown:
    """Return what the page shows of an image file: upright and without metadata, as the model sees it and as people do.

    Raises
    ------
    OSError
        The data is no image of a known format, or too large to show.
    """
    reason = why_not_shown(data)
    if reason:
        raise OSError(reason)
    Image.init()
    known = [name for name in FORMATS if name in Image.OPEN]
    with Image.open(io.BytesIO(data), formats=known) as image:
        image.draft("RGB", (_SIDE, _SIDE))
        views = two_views(image, _SIDE)
    small = views.model.convert("L")
    small.thumbnail((_VEIL, _VEIL), Image.Resampling.BOX)
    veil = small.filter(ImageFilter.GaussianBlur(1.5)).resize(
        (small.width * 4, small.height * 4), Image.Resampling.BICUBIC
    )
    return Shown(
        _jpeg(veil, 60), _jpeg(views.model, 85), b"" if views.people is None else _jpeg(views.people, 85)
    )


def _jpeg(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()
