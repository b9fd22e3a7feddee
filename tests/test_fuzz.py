"""A short run of ``benchmarks/fuzz.py``: broken input gives findings or one sentence, in bounded time and memory."""

from __future__ import annotations

import sys

import pytest

from benchmarks.fuzz import Failure, fuzz, seeds


@pytest.mark.skipif(sys.platform != "linux", reason="bounds memory as Linux does")
def test_broken_input_breaks_nothing():
    outcomes = list(fuzz(20, cases=3 * len(seeds())))
    broken = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert not broken, "\n".join(f"{failure.seed.name}: {failure.what}" for failure in broken)
