from __future__ import annotations

import pytest

from manifest_tools.aws.request_checks import check_call
from manifest_tools.core.errors import InputError
from manifest_tools.storage.aws_clients import make_client


@pytest.fixture(scope="module")
def client():
    return make_client("rekognition", region="us-east-1")


@pytest.mark.parametrize(
    ("operation", "parameters", "told"),
    [
        ("CreateProject", {"ProjectName": "bad name!"}, "ProjectName is 'bad name!'"),
        ("CreateProject", {"ProjectName": "line\n"}, "does not match"),
        ("CreateProject", {"ProjectName": ""}, "0 characters, allowed are 1 to 255"),
        ("CreateProject", {"ProjectName": "ok", "Feature": "NOPE"}, "allowed are CONTENT_MODERATION"),
        ("CreateProject", {"ProjectName": "ok", "Tags": {"aws:x": "y"}}, "Tags key 'aws:x'"),
        ("DetectModerationLabels", {"MinConfidence": 500.0}, "MinConfidence is 500.0, allowed are 0 to 100"),
        ("DetectModerationLabels", {"MinConfidence": float("nan")}, "MinConfidence is nan"),
        ("DetectModerationLabels", {"ProjectVersion": "arn:aws:rekognition:none-of-them"}, "does not match"),
        ("DescribeProjects", {"ProjectNames": ["a"] * 11}, "11 items, allowed are 1 to 10"),
        ("DescribeProjects", {"ProjectNames": ["a", "b c"]}, r"ProjectNames\[1\] is 'b c'"),
    ],
)
def test_what_the_service_would_refuse_is_refused_here(client, operation, parameters, told):
    with pytest.raises(InputError, match=told):
        check_call(client, operation, parameters)


def test_long_values_are_cut_in_the_message(client):
    with pytest.raises(InputError) as caught:
        check_call(client, "CreateProject", {"ProjectName": "!" * 5000})
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("tags", [{"équipe 1": "画像"}, {"a:b/c=d+e-f@g": ""}])
def test_what_it_takes_passes(client, tags):
    call = {"ProjectName": "v1.0_a-b", "Feature": "CONTENT_MODERATION", "Tags": tags}
    assert check_call(client, "CreateProject", call) is None
