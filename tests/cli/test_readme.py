"""The session in the README is what the command prints."""

from __future__ import annotations

import re
import shlex

from tests import ROOT


def test_the_first_session_is_true(manifest_tools, monkeypatch, tmp_path):
    session = re.search(
        r"```console\n\$ manifest-tools (.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    command, _, shown = session[1].replace("\\\n", "").partition("\n")
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    done = manifest_tools(*shlex.split(command))
    assert done.code == 0
    printed = (done.err + done.out).splitlines()
    wanted = [line for line in shown.splitlines() if line != "..."]
    assert len(wanted) > 20
    assert [line for line in wanted if line not in printed] == []
