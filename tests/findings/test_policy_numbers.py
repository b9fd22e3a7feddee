"""Numbers and depths that no policy can mean."""

from __future__ import annotations

import pytest

from manifest_tools.aws.moderation.decision_policy import Decisions
from manifest_tools.core.errors import InputError
from manifest_tools.findings.policy import Policy

BEYOND = [
    "inf", "-inf", "nan", "1e400", "9" * 400, "9" * 5000, "-1", "1e30", "9223372036854775808", "1979-05-27",
    "9999-99-99", "[" * 5000, "[" * 200 + "]" * 200, "{a=" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("value", BEYOND, ids=lambda value: value[:12])
@pytest.mark.parametrize("key", ["max_image_bytes", "min_false_positives", "confidence_threshold"])
def test_a_policy_refuses_them_in_a_sentence(tmp_path, key, value):
    path = tmp_path / "p.toml"
    path.write_text(f"{key} = {value}\n")
    with pytest.raises(InputError, match=r"p\.toml") as refused:
        Policy.from_toml(path)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize("value", BEYOND, ids=lambda value: value[:12])
def test_a_decision_policy_refuses_them_too(tmp_path, value):
    path = tmp_path / "d.toml"
    path.write_text(f'[labels]\n"Alcohol" = {{ block = {value} }}\n')
    with pytest.raises(InputError, match=r"d\.toml"):
        Decisions.from_toml(path)


def test_the_largest_number_is_taken(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text(f"max_image_bytes = {2**53}\n")
    assert Policy.from_toml(path).max_image_bytes == 2**53
