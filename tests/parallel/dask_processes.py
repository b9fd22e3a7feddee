"""A dask cluster of processes on loopback, each of which can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests import ROOT


class Scheduler:
    """A scheduler and its workers, each a process that can be killed."""

    def __init__(self, folder):
        self.file = Path(folder, "scheduler.json")
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "0",
        }
        self.workers = []
        self.process = self._start(
            "scheduler", "--scheduler-file", self.file, "--host", "127.0.0.1", "--port", "0"
        )
        while not (self.file.exists() and self.file.read_text().endswith("}")):
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]

    def _start(self, *words):
        command = [sys.executable, "-m", "dask", *map(str, words), "--no-dashboard"]
        return subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def add_worker(self):
        self.workers.append(self._start("worker", self.address, "--nthreads", "1", "--no-nanny"))

    def stop(self):
        for process in (*self.workers, self.process):
            process.kill()
            process.wait()
