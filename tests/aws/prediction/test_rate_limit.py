from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.aws.prediction.rate_limit import RateLimiter


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def limiter(clock, limit):
    return RateLimiter(limit, clock=clock, sleep=clock.sleep)


@given(st.floats(1, 200), st.lists(st.floats(0, 0.3), min_size=50, max_size=300))
def test_no_second_holds_more_calls_than_the_limit(limit, pauses):
    clock = Clock()
    bucket = limiter(clock, limit)
    calls = []
    for pause in pauses:
        bucket.wait()
        calls.append(clock.now)
        clock.now += pause
    for start in calls:
        assert sum(start <= call < start + 1 for call in calls) <= max(limit, 1) + 1


def test_a_steady_caller_gets_nearly_the_whole_limit():
    clock = Clock()
    bucket = limiter(clock, 50)
    for _ in range(500):
        bucket.wait()
    assert 500 / (clock.now - 100.0) >= 48


def served(limit_of_service, seconds, limit):
    """Return (answered per second, share refused) in the second half of a run against a service."""
    clock = Clock()
    bucket = limiter(clock, limit)
    accepted, refused = [], []
    while clock.now < 100 + seconds:
        bucket.wait()
        recent = sum(call > clock.now - 1 for call in accepted[-400:])
        over = recent >= limit_of_service
        (refused if over else accepted).append(clock.now)
        bucket.note(refused=over)
    late = [[call for call in calls if call > 100 + seconds / 2] for calls in (accepted, refused)]
    return len(late[0]) / (seconds / 2), len(late[1]) / (len(late[0]) + len(late[1]))


def test_a_lower_limit_than_told_is_found():
    rate, refused = served(5, 120, 50)
    assert rate >= 4
    assert refused < 0.2


def test_the_told_limit_is_kept_to():
    rate, refused = served(50, 20, 50)
    assert rate >= 46
    assert refused < 0.02


def test_the_rate_recovers():
    clock = Clock()
    bucket = limiter(clock, 50)
    full = bucket.rate

    def calls(*, refused):
        for _ in range(1000):
            clock.now += 0.1
            bucket.note(refused=refused)
        return bucket.rate

    assert calls(refused=True) < full / 10
    assert calls(refused=False) == full
