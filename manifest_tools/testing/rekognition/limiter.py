"""The rate above which the local Rekognition refuses."""

from __future__ import annotations

import threading
import time
from collections import deque

from manifest_tools.testing.rekognition.protocol import ServiceError


class Limiter:
    """Lets at most `limit` calls through in any second."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.refused = 0
        self._accepted: deque[float] = deque()
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise when this call is one too many."""
        if self.limit is None:
            return
        with self._lock:
            now = time.monotonic()
            while self._accepted and self._accepted[0] <= now - 1:
                self._accepted.popleft()
            if len(self._accepted) < self.limit:
                self._accepted.append(now)
                return
            self.refused += 1
            code = ("ThrottlingException", "ProvisionedThroughputExceededException")[self.refused % 2]
        raise ServiceError(code, "Provisioned rate exceeded")
