from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from manifest_tools.core.errors import InputError
from manifest_tools.testing import Faults, fault_proxy, local_rekognition

JPEG = b"\xff\xd8\xff\xe0 not much of a picture"
OUTPUT = {"S3Bucket": "pictures", "S3KeyPrefix": "out"}
FEATURE = {"ContentModeration": {"ConfidenceThreshold": 50.0}}
ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def server():
    with local_rekognition(answer=lambda _: {"Weapon Violence": 91.0, "Smoking": 40.0}) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    return server.client(config=ONCE)


def refusal(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def start_training(client, name, **members):
    project = client.create_project(ProjectName=name, Feature="CONTENT_MODERATION", AutoUpdate="DISABLED")
    arn = client.create_project_version(
        ProjectArn=project["ProjectArn"],
        VersionName="v1",
        OutputConfig=OUTPUT,
        FeatureConfig=FEATURE,
        **{"TrainingData": {"Assets": []}, "TestingData": {"Assets": []}} | members,
    )
    return project["ProjectArn"], arn["ProjectVersionArn"]


def wait(client, project):
    waiter = client.get_waiter("project_version_training_completed")
    waiter.wait(ProjectArn=project, VersionNames=["v1"], WaiterConfig={"Delay": 0, "MaxAttempts": 9})


def status(client, project):
    return client.describe_project_versions(ProjectArn=project)["ProjectVersionDescriptions"][0]


def test_labels_bring_their_parents_and_obey_the_lowest_confidence(client):
    labels = client.detect_moderation_labels(Image={"Bytes": JPEG}, MinConfidence=50)["ModerationLabels"]
    assert [(x["Name"], x["ParentName"], x["TaxonomyLevel"]) for x in labels] == [
        ("Violence", "", 1),
        ("Graphic Violence", "Violence", 2),
        ("Weapon Violence", "Graphic Violence", 3),
    ]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"Image": {"Bytes": b"GIF89a"}}, "InvalidImageFormatException"),
        ({"Image": {"Bytes": JPEG + bytes(5 * 1024 * 1024)}}, "ValidationException"),
        ({"Image": {"Bytes": JPEG}, "MinConfidence": 500}, "ValidationException"),
        ({"Image": {"Bytes": JPEG}, "ProjectVersion": "arn:aws:rekognition:nonsense"}, "ValidationException"),
        ({"Image": {"S3Object": {"Bucket": "pictures", "Name": "a.jpg"}}}, "InvalidS3ObjectException"),
    ],
)
def test_what_boto3_lets_pass_is_refused(client, parameters, code):
    assert refusal(client.detect_moderation_labels, **parameters) == code


@pytest.mark.parametrize(
    "parameters",
    [
        {"ProjectName": "bad name!"},
        {"ProjectName": "x" * 256},
        {"ProjectName": "x", "Feature": "NOPE"},
        {"ProjectName": "x", "Tags": {"aws:mine": "no"}},
    ],
)
def test_names_enumerations_and_lengths_are_checked(client, parameters):
    assert refusal(client.create_project, **parameters) == "ValidationException"


def test_tags_may_be_in_any_script(client):
    arn = client.create_project(ProjectName="tagged", Tags={"équipe 1": "画像"})["ProjectArn"]
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"équipe 1": "画像"}


def test_moderation_projects_are_hidden_unless_asked_for(client):
    client.create_project(ProjectName="hidden", Feature="CONTENT_MODERATION")
    seen = client.describe_projects(ProjectNames=["hidden"])
    asked = client.describe_projects(ProjectNames=["hidden"], Features=["CONTENT_MODERATION"])
    assert (len(seen["ProjectDescriptions"]), len(asked["ProjectDescriptions"])) == (0, 1)


def test_pages_together_hold_every_project_once(client):
    for number in range(5):
        client.create_project(ProjectName=f"page-{number}", Feature="CONTENT_MODERATION")
    pages = client.get_paginator("describe_projects").paginate(
        Features=["CONTENT_MODERATION"], PaginationConfig={"PageSize": 2}
    )
    arns = [project["ProjectArn"] for page in pages for project in page["ProjectDescriptions"]]
    assert len(arns) == len(set(arns)) >= 5


def test_a_name_can_be_used_once(client):
    client.create_project(ProjectName="once")
    assert refusal(client.create_project, ProjectName="once") == "ResourceInUseException"


def test_an_adapter_lives_through_training_deprecation_and_expiry(server):
    client = server.client(config=ONCE)
    project, arn = start_training(client, "life")
    ask = {"Image": {"Bytes": JPEG}, "ProjectVersion": arn}
    assert refusal(client.detect_moderation_labels, **ask) == "ResourceNotReadyException"
    assert refusal(client.delete_project_version, ProjectVersionArn=arn) == "ResourceInUseException"
    wait(client, project)
    assert client.detect_moderation_labels(**ask)["ProjectVersion"] == arn
    server.set_base_model("8.0")
    assert status(client, project)["Status"] == "DEPRECATED"
    assert client.detect_moderation_labels(**ask)["ProjectVersion"] == arn
    server.set_status(arn, "EXPIRED")
    assert "ProjectVersion" not in client.detect_moderation_labels(**ask)
    assert refusal(client.delete_project, ProjectArn=project) == "ResourceInUseException"
    client.delete_project_version(ProjectVersionArn=arn)
    client.delete_project(ProjectArn=project)
    assert refusal(client.describe_project_versions, ProjectArn=project) == "ResourceNotFoundException"
    server.set_base_model("7.0")


def test_an_unknown_status_is_refused(server):
    with pytest.raises(InputError, match="never 'GONE'"):
        server.set_status("any", "GONE")


def test_wrong_keys_are_refused(server, client):
    for access, secret, code in [
        ("nobody", server.credentials.secret_key, "UnrecognizedClientException"),
        (server.credentials.access_key, "wrong", "InvalidSignatureException"),
    ]:
        other = boto3.client(
            "rekognition",
            region_name="us-east-1",
            endpoint_url=server.url,
            aws_access_key_id=access,
            aws_secret_access_key=secret,
        )
        assert refusal(other.describe_projects) == code


def test_operations_that_are_not_played_say_so(client):
    assert refusal(client.list_collections) == "UnknownOperationException"


def test_calls_above_the_rate_are_refused_and_counted():
    with local_rekognition(tps=10) as server:
        client = server.client(config=Config(retries={"total_max_attempts": 1}, max_pool_connections=8))

        def ask(_):
            try:
                client.detect_moderation_labels(Image={"Bytes": JPEG})
            except ClientError as error:
                return error.response["Error"]["Code"]

        with ThreadPoolExecutor(8) as pool:
            codes = set(pool.map(ask, range(30)))
    assert {"ThrottlingException", "ProvisionedThroughputExceededException"} <= codes
    assert server.calls["refused"] + server.calls["DetectModerationLabels"] == 30
    assert server.pictures[hashlib.sha256(JPEG).hexdigest()] == server.calls["DetectModerationLabels"]


def test_injected_errors_are_amazons(server):
    with fault_proxy(server.url, Faults(errors=1.0, status=500)) as proxy:
        client = server.client(url=proxy.url, config=ONCE)
        assert refusal(client.describe_projects) == "InternalServerError"


def manifest(s3, name, lines):
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    s3.client().put_object(Bucket="pictures", Key=name, Body=text.encode())
    return {"Assets": [{"GroundTruthManifest": {"S3Object": {"Bucket": "pictures", "Name": name}}}]}


def pictures(s3, prefix, count):
    lines = []
    for number in range(count):
        key = f"{prefix}/{number} ü#%.jpg"
        s3.client().put_object(Bucket="pictures", Key=key, Body=JPEG + bytes([number]))
        truth = [{"Name": "Alcohol"}] if number % 2 else []
        lines.append(
            {
                "source-ref": f"s3://pictures/{key}",
                "content-moderation-groundtruth": {"ModerationLabels": truth},
            }
        )
    return lines


def read_json(s3, place):
    content = s3.client().get_object(Bucket=place["S3Object"]["Bucket"], Key=place["S3Object"]["Name"])
    return content["Body"].read().decode()


def output_of(description, side, kind):
    return description[f"{side}DataResult"][kind]["Assets"][0]["GroundTruthManifest"]


def test_a_training_writes_what_amazon_writes(s3):
    lines = pictures(s3, "good", 20)
    data = {
        "TrainingData": manifest(s3, "good/train.manifest", lines[:10]),
        "TestingData": manifest(s3, "good/test.manifest", lines[10:]),
    }
    with local_rekognition(s3=s3) as server:
        client = server.client()
        project, arn = start_training(client, "good", **data)
        wait(client, project)
        description = status(client, project)
    output = [json.loads(x) for x in read_json(s3, output_of(description, "Testing", "Output")).splitlines()]
    assert [line["source-ref"] for line in output] == [line["source-ref"] for line in lines[10:]]
    assert all(line["detect-moderation-labels"]["ProjectVersion"] == arn for line in output)
    result = json.loads(read_json(s3, description["EvaluationResult"]["Summary"]))
    moderation = result["ContentModeration"]
    assert len(moderation["AllConfidenceThresholdsEvalResults"]) == 20
    counts = moderation["InputConfidenceThresholdEvalResults"]["AggregatedEvaluationResults"]
    assert sum(counts["Adapter"].values()) == sum(counts["BaseModel"].values()) == 10
    assert description["EvaluationResult"]["F1Score"] == pytest.approx(
        result["AggregatedEvaluationResults"]["F1Score"]
    )


@pytest.mark.parametrize("style", ["_", "-"])
def test_a_training_on_bad_lines_fails_with_their_numbers(s3, style):
    lines = pictures(s3, "bad", 8)
    lines[1] = "not json\n"
    lines[3] = {
        "source-ref": "s3://pictures/none.jpg",
        "content-moderation-groundtruth": {"ModerationLabels": []},
    }
    data = {
        "TrainingData": manifest(s3, "bad/train.manifest", lines),
        "TestingData": {"Assets": [], "AutoCreate": True},
    }
    data["TestingData"] = manifest(s3, "bad/test.manifest", lines[4:])
    with local_rekognition(s3=s3, summary_style=style) as server:
        client = server.client()
        project, _ = start_training(client, "bad", **data)
        for _ in range(3):
            description = status(client, project)
    assert description["Status"] == "TRAINING_FAILED"
    assert "EvaluationResult" not in description
    summary = json.loads(read_json(s3, description["ManifestSummary"]))
    assert summary["statistics"]["training"][f"error{style}json{style}line{style}indices"] == [2, 4]
    validated = read_json(s3, output_of(description, "Training", "Validation")).splitlines()
    errors = {i: json.loads(x)["errors"][0]["code"] for i, x in enumerate(validated, 1) if "errors" in x}
    assert errors == {2: "ERROR_INVALID_JSON_LINE", 4: "ERROR_INVALID_IMAGE"}


@pytest.mark.parametrize("content", [None, b""])
def test_a_missing_or_empty_manifest_fails_without_files(s3, content):
    if content is not None:
        s3.client().put_object(Bucket="pictures", Key="empty.manifest", Body=content)
    place = {
        "S3Object": {"Bucket": "pictures", "Name": "empty.manifest" if content == b"" else "none.manifest"}
    }
    data = {
        "TrainingData": {"Assets": [{"GroundTruthManifest": place}]},
        "TestingData": {"Assets": [], "AutoCreate": True},
    }
    with local_rekognition(s3=s3, training_looks=0) as server:
        client = server.client()
        project, _ = start_training(client, "none", **data)
        description = status(client, project)
    assert description["Status"] == "TRAINING_FAILED"
    assert "ManifestSummary" not in description
    assert "manifest file" in description["StatusMessage"]


def test_a_training_can_be_told_to_fail(s3):
    with local_rekognition(training_looks=0) as server:
        server.fail_training("Unable to write to output S3 bucket.")
        client = server.client()
        project, _ = start_training(client, "told")
        assert status(client, project)["StatusMessage"] == "Unable to write to output S3 bucket."


def test_the_stand_in_answers_the_same_for_the_same_bytes():
    answers = []
    for _ in range(2):
        with local_rekognition() as server:
            client = server.client()
            answers.append(
                [
                    client.detect_moderation_labels(Image={"Bytes": JPEG + bytes([i])}, MinConfidence=5)[
                        "ModerationLabels"
                    ]
                    for i in range(8)
                ]
            )
    assert answers[0] == answers[1]
    assert any(answers[0])
