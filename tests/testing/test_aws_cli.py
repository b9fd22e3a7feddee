"""The AWS CLI against the local Rekognition; collected only where ``aws`` is on the path."""

from __future__ import annotations

import json
import os
import subprocess

from manifest_tools.testing import local_rekognition
from tests.testing.test_rekognition_requests import JPEG, TEXT, data


def test_the_aws_cli_leads_an_adapter_through_its_whole_life(s3, tmp_path):
    (tmp_path / "a.jpg").write_bytes(JPEG)
    for key, content in {"cli/1.jpg": JPEG, "cli/good.manifest": TEXT.replace("odd", "cli").encode()}.items():
        s3.client().put_object(Bucket="pictures", Key=key, Body=content)

    def aws(*arguments):
        done = subprocess.run(
            ["aws", "rekognition", *arguments, "--output", "json"],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **server.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "{}")

    with local_rekognition(s3=s3, training_looks=0) as server:
        project = aws("create-project", "--project-name", "cli", "--feature", "CONTENT_MODERATION")[
            "ProjectArn"
        ]
        train, test = (
            f"--{side}-data={json.dumps(data('cli/good.manifest'))}" for side in ("training", "testing")
        )
        adapter = aws(
            "create-project-version", "--project-arn", project, "--version-name", "v", train, test,
            "--output-config", "S3Bucket=pictures,S3KeyPrefix=cli",
            "--feature-config", "ContentModeration={ConfidenceThreshold=60}",
        )["ProjectVersionArn"]  # fmt: skip
        aws("wait", "project-version-training-completed", "--project-arn", project)
        seen = aws("describe-project-versions", "--project-arn", project)["ProjectVersionDescriptions"]
        assert [each["Status"] for each in seen] == ["TRAINING_COMPLETED"]
        aws("tag-resource", "--resource-arn", adapter, "--tags", "a=b")
        assert aws("list-tags-for-resource", "--resource-arn", adapter)["Tags"] == {"a": "b"}
        for image in (
            ("--image-bytes", "fileb://a.jpg"),
            ("--image", "S3Object={Bucket=pictures,Name=cli/1.jpg}"),
        ):
            place = [part.replace("fileb://", f"fileb://{tmp_path}/") for part in image]
            assert (
                aws("detect-moderation-labels", *place, "--project-version", adapter)["ProjectVersion"]
                == adapter
            )
        aws("delete-project-version", "--project-version-arn", adapter)
        aws("delete-project", "--project-arn", project)
        assert aws("describe-projects", "--features", "CONTENT_MODERATION")["ProjectDescriptions"] == []
