"""A lock that one process holds at a time; the operating system frees the lock of a killed one."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

_PAUSE = 0.05  # seconds between two looks at a lock

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


def take_lock(path: Path, *, wait: bool = True) -> int:
    """Return a lock file, made where it is missing, as an open descriptor that is locked; closing it frees the lock.

    Raises
    ------
    BlockingIOError
        Another process has the lock, and it is not to be waited for.
    OSError
        The file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        taken = try_lock(descriptor)
        while wait and not taken:
            time.sleep(_PAUSE)
            taken = try_lock(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    if not taken:
        os.close(descriptor)
        raise BlockingIOError(path)
    return descriptor
