"""Stop lists in memory: whether an image is on them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from manifest_tools.images.image_facts import ImageFacts
from manifest_tools.images.stop_list.hashes import DIGITS, MAX_DISTANCE, KnownHashes, hash_content

# begins the decode error of an image that is on a stop list: nobody decodes it
STOPPED: Final = "stop-listed"
_PDQ_WORDS: Final = 4  # of 64 bits


@dataclass(frozen=True)
class _Digests:
    """Many digests of one length, sorted, to look one up in."""

    beginnings: npt.NDArray[np.uint64]
    digests: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, raw: bytes, size: int) -> _Digests:
        table = np.frombuffer(raw, dtype=np.uint8).reshape(-1, size)
        beginnings = np.ascontiguousarray(table[:, :8]).view(">u8").ravel().astype(np.uint64)
        order = np.argsort(beginnings)
        return cls(beginnings[order], table[order])

    def __contains__(self, digest: object) -> bool:
        raw = bytes.fromhex(str(digest))
        beginning = np.uint64(int.from_bytes(raw[:8], "big"))
        at = int(self.beginnings.searchsorted(beginning))
        while at < len(self.beginnings) and self.beginnings[at] == beginning:
            if self.digests[at].tobytes() == raw:
                return True
            at += 1
        return False


@dataclass(frozen=True)
class StopList:
    """Hashes of known images.

    Parameters
    ----------
    raw : mapping of str to bytes
        For each kind ("md5", "sha1", "sha256", "pdq") its digests, one after the other.
    files : tuple of str
        What it was read from, as it can be given again.
    """

    raw: Mapping[str, bytes]
    files: tuple[str, ...] = ()
    _exact: Mapping[str, _Digests] = field(init=False, repr=False, compare=False)
    _pdq: npt.NDArray[np.uint64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort what is looked up."""
        exact = {
            kind: _Digests.of(raw, DIGITS[kind] // 2)
            for kind, raw in self.raw.items()
            if raw and kind != "pdq"
        }
        object.__setattr__(self, "_exact", exact)
        pdq = np.frombuffer(self.raw.get("pdq", b""), dtype=np.uint64).reshape(-1, _PDQ_WORDS)
        object.__setattr__(self, "_pdq", pdq)

    @property
    def wanted(self) -> frozenset[str]:
        """The hashes of an image that are needed beside its SHA-256."""
        return frozenset(kind for kind, raw in self.raw.items() if raw and kind != "sha256")

    @property
    def digest(self) -> str:
        """The SHA-256 (hex) of all hashes: the same for lists that hold the same, in the same order."""
        whole = hashlib.sha256()
        for kind in sorted(self.raw):
            whole.update(f"{kind} {len(self.raw[kind])} ".encode() + self.raw[kind])
        return whole.hexdigest()

    def __len__(self) -> int:
        """Return the number of hashes."""
        return sum(len(raw) * 2 // DIGITS[kind] for kind, raw in self.raw.items())

    def holds(self, sha256: str, hashes: KnownHashes) -> bool:
        """Whether an image is on the list: one hash that matches suffices.

        Parameters
        ----------
        sha256 : str
            Hex; empty where it is not known.
        hashes : KnownHashes
            The others, as far as :attr:`wanted` asks for them.
        """
        known: dict[str, Any] = {"sha256": sha256, "md5": hashes.md5, "sha1": hashes.sha1}
        for kind, digests in self._exact.items():
            if known[kind] and known[kind] in digests:
                return True
        return bool(hashes.pdq and len(self._pdq)) and self._near(str(hashes.pdq))

    def _near(self, pdq: str) -> bool:
        for picture in np.frombuffer(bytes.fromhex(pdq), dtype=np.uint64).reshape(-1, _PDQ_WORDS):
            distances = np.bitwise_count(self._pdq ^ picture).sum(axis=1, dtype=np.uint16)
            if int(distances.min()) <= MAX_DISTANCE:
                return True
        return False

    def told(self) -> str:
        """Say in words how many hashes of which kinds it holds."""
        names = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "pdq": "PDQ"}
        counts = {kind: len(self.raw.get(kind, b"")) * 2 // DIGITS[kind] for kind in names}
        return ", ".join(f"{count:,} {names[kind]}" for kind, count in counts.items() if count)


def content_on_list(data: bytes, stop_list: StopList | None, *, pixels: bool = True) -> str:
    """Return the SHA-256 of an image's bytes if they are on a stop list, else ""."""
    if stop_list is None:
        return ""
    digest = hashlib.sha256(data).hexdigest()
    hashes = hash_content(data, stop_list.wanted, pixels=pixels)
    return digest if stop_list.holds(digest, hashes) else ""


def stopped(facts: ImageFacts) -> ImageFacts:
    """Return what is kept of an image that is on a stop list: its size and hash, and nothing that could show it."""
    return ImageFacts(bytes=facts.bytes, sha256=facts.sha256, decode_error=f"{STOPPED}: {facts.sha256}")
