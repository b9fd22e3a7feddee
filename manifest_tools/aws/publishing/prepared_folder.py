"""What `prepare` left behind, read for publishing: the manifests, and the file behind each line of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from manifest_tools.core import bounded_json
from manifest_tools.core.errors import InputError
from manifest_tools.core.output_folder import MANIFESTS, manifests_in
from manifest_tools.dataset.copies import as_sent, copy_names, copy_path
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.object_keys import source_refs
from manifest_tools.findings.catalogue import finding
from manifest_tools.findings.findings import Finding, Verdict
from manifest_tools.images.stop_list.stop_list import STOPPED
from manifest_tools.manifests.writing import lines_of
from manifest_tools.reports.saved import saved_answer, tells_of
from manifest_tools.storage.uris import is_s3_uri, split_uri

_Content = bytes  # which is the name of a member below


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that is to be in the bucket.

    `source` is a local path, or the ``s3://`` address of an image that is in S3 already; `sha256` is hex. `content` is
    that of a manifest, as it was when its lines were read.
    """

    key: str
    source: str
    bytes: int
    sha256: str
    content: _Content | None = None


@dataclass(frozen=True)
class PreparedFolder:
    """A checked data set in DIR layout: `images` holds what its manifests name.

    `manifests` holds what a training is given, by the name of the first file: test sets of several rounds are one.
    """

    folder: Path
    dataset: Dataset
    manifests: Mapping[str, bytes]
    images: tuple[Wanted, ...]
    bucket: str
    stopped: tuple[Finding, ...] = ()  # of images that are on a stop list


def read_prepared(folder: str | Path) -> PreparedFolder:
    """Read a DIR that `prepare` wrote.

    Raises
    ------
    InputError
        It has not passed its check, its files do not fit together, or its images are in several buckets.
    """
    folder = Path(folder)
    dataset = Dataset.load(folder)
    require_passed(folder, dataset)
    files = {name: _read(folder / name) for name in manifests_in(folder)}
    rows = _Rows(dataset, folder)
    wanted: dict[str, Wanted] = {}
    buckets, stopped = set(), dict[str, Finding]()
    for name, content in files.items():
        for line, reference in references(folder / name, content):
            bucket, key = split_uri(reference)
            buckets.add(bucket)
            wanted[key] = rows.behind(reference, key, f"{folder / name}, line {line}")
            stopped |= rows.stopped(reference)
    if not stopped:  # else there is more to say than that their lines should go
        _see_that_they_belong(folder, dataset, files)
    if len(buckets) != 1:
        raise InputError(
            f"The manifests in {folder} name images in {len(buckets)} buckets ({', '.join(sorted(buckets))}); "
            "Rekognition wants all of a data set's images in one. Run prepare again with --to s3://BUCKET/PREFIX."
        )
    return PreparedFolder(
        folder, dataset, as_trained(files), tuple(wanted.values()), buckets.pop(), tuple(stopped.values())
    )


def verdict_lines(folder: Path) -> list[str]:
    """Return what a plan says of a DIR that is not ready to train; nothing when it is."""
    report, told = saved_answer(folder)
    if report.verdict is Verdict.READY:
        return []
    reasons = [f"            {reason}" for reason in told.reasons]
    return [f"verdict     {told.headline}; train will refuse it", *reasons]


def as_trained(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the two manifests that a training is given, of those that a folder holds: its test sets are one."""
    train, test = MANIFESTS
    tests = (content for name, content in files.items() if name != train)
    return {train: files.get(train, b""), test: b"".join(tests)}


def require_passed(folder: Path, dataset: Dataset) -> None:
    """Raise InputError when a DIR's report.json does not say that the policy accepts its data set."""
    report, told = saved_answer(folder)
    if not report.passed:
        reasons = "; ".join(reason.rstrip(".") for reason in told.reasons)
        raise InputError(
            f"{folder} is not published: {told.headline} ({reasons}). "
            f"Repair what {folder / 'report.html'} lists, and run `manifest-tools prepare` again."
        )
    if not tells_of(report, dataset):
        raise InputError(
            f"{folder / 'report.json'} tells of another state of the data set beside it. "
            "Run `manifest-tools prepare` again."
        )


def _see_that_they_belong(folder: Path, dataset: Dataset, manifests: Mapping[str, bytes]) -> None:
    """Refuse manifests that are not those of the data set, such as those of an earlier run."""
    expected = {f"{side}.manifest": lines for side, lines in lines_of(dataset).items()}
    for name in {**manifests, **expected}:
        found = (json.loads(line) for line in manifests.get(name, b"").split(b"\n") if line.strip())
        for number, (line, right) in enumerate(zip_longest(found, expected.get(name, ())), 1):
            if line != right:
                raise InputError(
                    f"{folder / name} does not belong to the data set beside it, from line {number} on: labels, sides "
                    "or images are others. Run `manifest-tools prepare` again, which writes both."
                )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"There is no {path}. `manifest-tools prepare` writes it.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def references(path: Path, content: bytes) -> Iterator[tuple[int, str]]:
    """Yield each line of a manifest by its number, and its source-ref.

    Raises
    ------
    InputError
        A line has none.
    """
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            reference = bounded_json.loads(line)["source-ref"]
        except (ValueError, KeyError, TypeError):
            reference = None
        if not isinstance(reference, str):
            raise InputError(
                f"{path}, line {number}: not a manifest line with a source-ref. "
                f"`manifest-tools validate {path.name}` says more."
            )
        yield number, reference


class _Rows:
    """Finds the file behind a source-ref: an image, or the copy that is sent in its place."""

    def __init__(self, dataset: Dataset, folder: Path) -> None:
        self._dataset, self._folder = dataset, folder
        sent = as_sent(dataset.images)
        table = sent[["image", "uri", "bytes", "sha256", "decode_error"]].assign(copy=copy_names(sent))
        # Of two images with one content-addressed key, either will do.
        self._rows = dict(zip(source_refs(dataset), table.to_dict("records"), strict=True))

    def behind(self, reference: str, key: str, place: str) -> Wanted:
        row = self._rows.get(reference)
        if row is None:
            raise InputError(
                f"{place}: {reference} is no image of the data set beside it. Run `manifest-tools prepare` again."
            )
        if not row["sha256"]:
            raise InputError(
                f"{place}: {row['image']} was never inspected. Run `manifest-tools prepare` again."
            )
        if row["copy"]:
            source = str(copy_path(self._dataset, row["copy"], self._folder))
            return Wanted(key, source, int(row["bytes"]), row["sha256"])
        uri = row["uri"] or row["image"]
        source = uri if is_s3_uri(uri) else str(self._dataset.path_of(uri))
        return Wanted(key, source, int(row["bytes"]), row["sha256"])

    def stopped(self, reference: str) -> dict[str, Finding]:
        """Return what is told of an image that is on a stop list, by its name."""
        row = self._rows[reference]
        if not row["decode_error"].startswith(STOPPED):
            return {}
        return {row["image"]: finding("image-on-stop-list", image=row["image"], sha256=row["sha256"])}


def digest(content: bytes) -> str:
    """Return the SHA-256 of `content`, hex."""
    return hashlib.sha256(content).hexdigest()
