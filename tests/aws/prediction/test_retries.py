"""What is asked again, what is listed, and what ends a run."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from manifest_tools.aws.prediction.retries import Attempts, IncompleteAnswer, RetryPolicy, Verdict


def error(code, status=400):
    answer = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "DetectModerationLabels")


@pytest.mark.parametrize(
    "failure",
    [
        error("InternalServerError", 500),
        error("ThrottlingException"),
        ReadTimeoutError(endpoint_url="x"),
        IncompleteAnswer("broke off"),
    ],
)
def test_what_may_pass_is_asked_again(failure):
    assert RetryPolicy().judge(failure, Attempts()) is Verdict.AGAIN


@pytest.mark.parametrize("answered", [True, False])
def test_an_image_that_always_fails_is_given_up_and_the_run_only_if_nothing_was_answered(answered):
    policy, attempts = RetryPolicy(), Attempts()
    if answered:
        policy.answered()
    verdicts = [policy.judge(error("InternalServerError", 500), attempts) for _ in range(8)]
    assert verdicts[:-1] == [Verdict.AGAIN] * 7
    assert verdicts[-1] is (Verdict.GIVE_UP_IMAGE if answered else Verdict.GIVE_UP_RUN)


def test_refusals_for_the_rate_are_no_tries_but_end_with_patience():
    policy, attempts = RetryPolicy(), Attempts()
    verdicts = {policy.judge(error("ThrottlingException"), attempts) for _ in range(100)}
    assert verdicts == {Verdict.AGAIN}
    assert attempts.delay() <= 20
    assert RetryPolicy(patience=-1).judge(error("ThrottlingException"), attempts) is Verdict.GIVE_UP_RUN


@pytest.mark.parametrize("answered", [True, False])
def test_bad_images_are_listed_until_it_is_plain_that_the_fault_is_not_theirs(answered):
    policy = RetryPolicy()
    if answered:
        policy.answered()
    verdicts = [policy.judge(error("InvalidS3ObjectException"), Attempts()) for _ in range(21)]
    assert set(verdicts[:-1]) == {Verdict.GIVE_UP_IMAGE}
    assert verdicts[-1] is (Verdict.GIVE_UP_IMAGE if answered else Verdict.GIVE_UP_RUN)


def test_content_that_is_refused_never_ends_a_run():
    policy = RetryPolicy()
    verdicts = {policy.judge(error("InvalidImageFormatException"), Attempts()) for _ in range(100)}
    assert verdicts == {Verdict.GIVE_UP_IMAGE}


def test_a_denial_ends_the_run_at_once():
    assert RetryPolicy().judge(error("AccessDeniedException"), Attempts()) is Verdict.GIVE_UP_RUN
