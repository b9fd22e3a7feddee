"""A lock that one process holds at a time; the operating system frees the lock of a killed one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # the byte that is locked: far behind what anybody reads

    def try_lock(descriptor: int) -> bool:
        """Take the lock of an open file without waiting; return whether it was free."""
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Take the lock of an open file without waiting; return whether it was free."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_abandoned(path: Path) -> bool:
    """Whether nobody holds the lock of a file any more; OSError where it cannot be opened."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        return try_lock(descriptor)
    finally:
        os.close(descriptor)
