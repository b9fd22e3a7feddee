from __future__ import annotations

import time
from contextlib import suppress

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, ResponseStreamingError

from manifest_tools.core.errors import InputError
from manifest_tools.testing import Faults, fault_proxy

ONCE = Config(retries={"total_max_attempts": 1})
BODY = bytes(range(256)) * 400


@pytest.fixture
def through(s3):
    s3.client().put_object(Bucket="pictures", Key="there.jpg", Body=BODY)
    with fault_proxy(s3.url, Faults()) as proxy:
        yield proxy, s3.client(url=proxy.url, config=ONCE)


def get(client, key="there.jpg"):
    return client.get_object(Bucket="pictures", Key=key)["Body"].read()


def test_without_faults_everything_passes(through):
    proxy, client = through
    client.put_object(Bucket="pictures", Key="large.bin", Body=BODY * 40)
    client.head_object(Bucket="pictures", Key="large.bin")
    assert get(client, "large.bin") == BODY * 40
    assert (
        client.delete_object(Bucket="pictures", Key="large.bin")["ResponseMetadata"]["HTTPStatusCode"] == 204
    )
    assert proxy.counts == {"requests": 4}


def test_errors_never_reach_the_server(through):
    proxy, client = through
    proxy.faults = Faults(errors=1.0)
    with pytest.raises(ClientError, match="SlowDown"):
        client.put_object(Bucket="pictures", Key="never.jpg", Body=BODY)
    proxy.faults = Faults()
    assert "never.jpg" not in str(client.list_objects_v2(Bucket="pictures", Prefix="never"))
    assert proxy.counts["errors"] == 1


def test_resets_never_reach_the_server(through, s3):
    proxy, client = through
    proxy.faults = Faults(resets=1.0)
    with pytest.raises(HTTPClientError):
        client.put_object(Bucket="pictures", Key="reset.jpg", Body=BODY)
    assert s3.client().list_objects_v2(Bucket="pictures", Prefix="reset")["KeyCount"] == 0


def test_lost_replies_come_after_the_work(through, s3):
    proxy, client = through
    proxy.faults = Faults(lost_replies=1.0)
    with pytest.raises(HTTPClientError):
        client.put_object(Bucket="pictures", Key="done.jpg", Body=BODY)
    assert get(s3.client(), "done.jpg") == BODY


def test_cuts_break_the_body(through):
    proxy, client = through
    proxy.faults = Faults(cuts=1.0)
    with pytest.raises((ResponseStreamingError, HTTPClientError)):
        get(client)


def test_delays_come_late_but_whole(through):
    proxy, client = through
    proxy.faults = Faults(delays=1.0, delay_seconds=0.2)
    start = time.monotonic()
    assert get(client) == BODY
    assert time.monotonic() - start >= 0.2


def test_only_chosen_requests_meet_faults(s3):
    s3.client().put_object(Bucket="pictures", Key="there.jpg", Body=BODY)
    with fault_proxy(s3.url, Faults(errors=1.0), only=lambda method, _: method == "PUT") as proxy:
        client = s3.client(url=proxy.url, config=ONCE)
        assert get(client) == BODY
        with pytest.raises(ClientError):
            client.put_object(Bucket="pictures", Key="there.jpg", Body=b"")


def test_shares_follow_the_seed(s3):
    counts = []
    for _ in range(2):
        with fault_proxy(s3.url, Faults(errors=0.3), seed=7) as proxy:
            client = s3.client(url=proxy.url, config=ONCE)
            for _ in range(40):
                with suppress(ClientError):
                    client.list_buckets()
            counts.append(dict(proxy.counts))
    assert counts[0] == counts[1]
    assert 2 < counts[0]["errors"] < 25


@pytest.mark.parametrize("faults", [{"errors": -0.1}, {"errors": 0.6, "cuts": 0.6}])
def test_impossible_shares_are_refused(faults):
    with pytest.raises(InputError, match="shares"):
        Faults(**faults)


def test_only_http_servers_can_be_broken():
    with pytest.raises(InputError, match="http://"), fault_proxy("https://example.com", Faults()):
        pass
