"""A command that was killed and is run again leaves what it would have left; benchmarks/killed.py tries it more often."""

from __future__ import annotations

import pytest

from benchmarks.killed import main


@pytest.mark.slow
@pytest.mark.parametrize("command", ["prepare", "validate --fix", "split MANIFEST"])
def test_a_killed_command_run_again_leaves_the_same_bytes(command):
    said = []
    assert main(["--kills", "2", "--images", "8", "--lines", "2000", command], said.append) == 0, said
