"""Workers in trouble, importable from the process that they run in."""

from __future__ import annotations

import os
import signal
import time

from manifest_tools.manifests.validation.parallel_scan import _Worker


class Mortal(_Worker):
    """Is killed at the first `times` spans that a worker process is given; `graves`: the folder that counts.

    The process of the caller judges nothing until that has happened once.
    """

    def __init__(self, source, task, *, graves, times):
        super().__init__(source, task)
        self._graves, self._times, self._home = graves, times, os.getpid()

    def __call__(self, span):
        if os.getpid() == self._home:
            while not os.listdir(self._graves):
                time.sleep(0.01)
        elif len(os.listdir(self._graves)) < self._times:
            (self._graves / str(os.getpid())).touch()
            self.die()
        return super().__call__(span)

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Faulty(Mortal):
    """Has a fault of the program instead."""

    def die(self):
        return {}["a fault"]
