"""A worker in trouble, importable from the process that it runs in."""

from __future__ import annotations

import os
import signal

from manifest_tools.manifests.validation.parallel_scan import _Worker


class Mortal(_Worker):
    """Is killed `times` times at the first span that does not begin the file; `graves`: the folder that counts."""

    def __init__(self, source, task, *, graves, times):
        super().__init__(source, task)
        self._graves, self._times = graves, times

    def __call__(self, span):
        if 0 < span[0] < 3_000 and len(os.listdir(self._graves)) < self._times:
            (self._graves / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(span)
