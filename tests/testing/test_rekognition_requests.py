"""Whatever the service's model allows is answered: never a dropped connection, never an error of another service."""

from __future__ import annotations

import http.client
import json

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manifest_tools.testing import local_rekognition
from manifest_tools.testing.rekognition.protocol import service_model
from manifest_tools.testing.rekognition.service import _OPERATIONS

JPEG = b"\xff\xd8\xff\xe0 not much of a picture"
GENERIC = {"ValidationException", "SerializationException", "UnknownOperationException"}
ODD = [
    "",
    " ",
    "a",
    "0",
    "-5",
    "abc",
    "²",
    "9" * 5000,
    "\0",
    "\ud800",
    "ü",
    "s3://",
    "../x",
    "x" * 300,
    "arn:aws:x",
]
OUTPUT = {"S3Bucket": "pictures", "S3KeyPrefix": "odd"}
FEATURE = {"ContentModeration": {"ConfidenceThreshold": 60.0}}
LINE = {"source-ref": "s3://pictures/odd/1.jpg", "content-moderation-groundtruth": {"ModerationLabels": []}}


class Asked:
    """A stand-in with a project, an adapter of it and a picture; its answers are held against the model."""

    def __init__(self, s3, server):
        self.server = server
        options = {"parameter_validation": False, "retries": {"total_max_attempts": 1}}
        self.client = server.client(config=Config(**options))
        self.s3 = s3.client()
        self.s3.put_object(Bucket="pictures", Key="odd/1.jpg", Body=JPEG)
        self.put("odd/good.manifest", json.dumps(LINE).encode())
        self.project = self.client.create_project(ProjectName="odd", Feature="CONTENT_MODERATION")[
            "ProjectArn"
        ]
        self.adapter = self.train(self.project, "odd/good.manifest")
        self.known = [self.project, self.adapter, "odd", "v", "pictures", "odd/1.jpg", "odd/good.manifest"]

    def put(self, key, content):
        self.s3.put_object(Bucket="pictures", Key=key, Body=content)

    def train(self, project, key):
        call = {"OutputConfig": OUTPUT, "FeatureConfig": FEATURE, "TestingData": data("odd/good.manifest")}
        return self.client.create_project_version(
            ProjectArn=project, VersionName="v", TrainingData=data(key), **call
        )["ProjectVersionArn"]

    def ask(self, operation, parameters):
        """Return the answer's members, or the code of the error."""
        model = service_model().operation_model(operation)
        try:
            answer, code = self.client._make_api_call(operation, parameters), ""
        except ClientError as error:
            answer, code = error.response, error.response["Error"]["Code"]
        if code:
            assert answer["ResponseMetadata"]["RequestId"]
            assert code in GENERIC | {shape.name for shape in model.error_shapes}
            assert code != "InternalServerError"
            return code
        assert answer.pop("ResponseMetadata")["RequestId"]
        report = ParamValidator().validate(answer, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        return answer


def data(*keys):
    return {
        "Assets": [{"GroundTruthManifest": {"S3Object": {"Bucket": "pictures", "Name": key}}} for key in keys]
    }


@pytest.fixture(scope="module")
def asked(s3):
    with local_rekognition(s3=s3, training_looks=0) as server:
        yield Asked(s3, server)


def values(shape, known):
    """Draw values of a shape of the model: right ones, ones at its limits, and odd ones."""
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure":
        members = {name: values(member, known) for name, member in shape.members.items()}
        needed = {name: members.pop(name) for name in shape.required_members}
        return st.fixed_dictionaries(needed, optional=members)
    if kind == "list":
        return st.lists(values(shape.member, known), max_size=3)
    if kind == "map":
        return st.dictionaries(st.sampled_from([*ODD[1:], "team"]), values(shape.value, known), max_size=3)
    if kind == "string":
        return st.sampled_from([*shape.enum, *known, *([] if shape.enum else ODD)] or ODD)
    if kind == "blob":
        return st.sampled_from([JPEG, b"", b"GIF89a", b"\x89PNG\r\n\x1a\n"])
    if kind == "boolean":
        return st.booleans()
    edges = [limits.get("min", 0), limits.get("max", 100), -1, 0, 1, 10**9]
    return st.sampled_from(edges if kind in ("integer", "long") else [*edges, 0.5, 1e300, float("nan")])


@pytest.mark.parametrize("operation", sorted(_OPERATIONS))
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(choices=st.data())
def test_every_request_of_the_model_is_answered(asked, operation, choices):
    shape = service_model().operation_model(operation).input_shape
    parameters = choices.draw(values(shape, asked.known))
    if operation.startswith("Delete"):  # what the other requests ask about stays
        parameters = {name: value + "9" for name, value in parameters.items()}
    assert isinstance(asked.ask(operation, parameters), dict | str)  # and both as the model has them


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"TrainingData": {}, "TestingData": {"AutoCreate": True}},
        {"TrainingData": {"Assets": [{}]}, "TestingData": {"AutoCreate": True}},
        {"TrainingData": {"Assets": [{"GroundTruthManifest": {}}]}, "TestingData": {"AutoCreate": True}},
        {"TrainingData": data("odd/good.manifest")},
        {"TrainingData": data("odd/good.manifest"), "TestingData": {}},
        {"TrainingData": data("odd/good.manifest"), "TestingData": {"AutoCreate": False}},
        {
            "TrainingData": data("odd/good.manifest"),
            "TestingData": data("odd/good.manifest"),
            "OutputConfig": {},
        },
    ],
)
def test_a_training_that_lacks_what_it_needs_is_refused_when_it_is_asked_for(asked, members):
    call = {
        "ProjectArn": asked.project,
        "VersionName": "none",
        "OutputConfig": OUTPUT,
        "FeatureConfig": FEATURE,
    }
    assert asked.ask("CreateProjectVersion", call | members) == "InvalidParameterException"


@pytest.mark.parametrize(
    "image", [{}, {"S3Object": {}}, {"S3Object": {"Bucket": "pictures"}}, {"S3Object": {"Name": "x"}}]
)
def test_an_image_that_is_nowhere_is_refused(asked, image):
    assert asked.ask("DetectModerationLabels", {"Image": image}) == "InvalidParameterException"


@pytest.mark.parametrize("token", ["abc", "-5", "²", " 1", "9" * 500])
@pytest.mark.parametrize("operation", ["DescribeProjects", "DescribeProjectVersions"])
def test_a_page_that_no_answer_named_is_refused(asked, operation, token):
    call = {"NextToken": token} | ({"ProjectArn": asked.project} if operation.endswith("Versions") else {})
    assert asked.ask(operation, call) == "InvalidPaginationTokenException"


TEXT = json.dumps(LINE)
SOUND, BROKEN = "TRAINING_COMPLETED", "TRAINING_FAILED"


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("plain", TEXT.encode(), SOUND),
        ("returns", TEXT.encode() + b"\r\n\r\n", SOUND),
        ("mark", b"\xef\xbb\xbf" + TEXT.encode(), SOUND),
        ("more", json.dumps(LINE | {"x": 1}).encode(), SOUND),
        ("bucket", TEXT.replace("pictures", "Bad_Bucket!").encode(), BROKEN),
        ("surrogate", TEXT.replace("1.jpg", "\\ud800.jpg").encode(), BROKEN),
        ("surrogate-elsewhere", TEXT[:-1].encode() + b', "x": "\\ud800"}', BROKEN),
        ("nul", TEXT.replace("1.jpg", "\\u0000.jpg").encode(), BROKEN),
        ("long", TEXT.replace("1.jpg", "k" * 2000).encode(), BROKEN),
        ("dots", TEXT.replace("1.jpg", "../x/./1.jpg").encode(), BROKEN),
        ("list", b"[1]", BROKEN),
        ("null", json.dumps(LINE | {"content-moderation-groundtruth": None}).encode(), BROKEN),
        ("infinite", TEXT[:-1].encode() + b', "x": 1e999}', BROKEN),
        ("deep", b'{"a":' * 100_000, BROKEN),
        ("huge", b'{"a":' + b"9" * 5000 + b"}", BROKEN),
        ("binary", b"\xff\xfe{", BROKEN),
        ("blank", b"\n\n", BROKEN),
    ],
)  # fmt: skip
def test_every_manifest_ends_a_training(asked, name, content, status):
    asked.put(f"odd/{name}.manifest", content)
    project = asked.client.create_project(ProjectName=f"odd-{name}", Feature="CONTENT_MODERATION")[
        "ProjectArn"
    ]
    asked.train(project, f"odd/{name}.manifest")
    (seen,) = asked.ask("DescribeProjectVersions", {"ProjectArn": project})["ProjectVersionDescriptions"]
    assert seen["Status"] == status


@pytest.mark.parametrize(
    ("name", "members", "message"),
    [
        ("one", {"TestingData": {"AutoCreate": True}}, "The manifest file is empty."),
        (
            "nowhere",
            {"OutputConfig": OUTPUT | {"S3Bucket": "no-such-bucket"}},
            "Unable to write to output S3 bucket.",
        ),
        ("threshold", {"FeatureConfig": {}}, "The model is ready to use."),
    ],
)
def test_a_training_that_cannot_end_well_says_why(asked, name, members, message):
    project = asked.client.create_project(ProjectName=f"end-{name}", Feature="CONTENT_MODERATION")[
        "ProjectArn"
    ]
    both = {side: data("odd/good.manifest") for side in ("TrainingData", "TestingData")}
    call = {"ProjectArn": project, "VersionName": "v", "OutputConfig": OUTPUT, "FeatureConfig": FEATURE}
    asked.ask("CreateProjectVersion", call | both | members)
    (seen,) = asked.ask("DescribeProjectVersions", {"ProjectArn": project})["ProjectVersionDescriptions"]
    assert seen["StatusMessage"] == message


@pytest.mark.parametrize("kind", ["project", "adapter"])
@pytest.mark.parametrize("first", [{}, {"a": "1"}])
def test_tags_are_kept_until_they_are_removed(asked, kind, first):
    name = f"tags-{kind}-{len(first)}"
    arn = asked.client.create_project(
        ProjectName=name, Feature="CONTENT_MODERATION", **({"Tags": first} if kind == "project" else {})
    )["ProjectArn"]
    if kind == "adapter":
        call = {"ProjectArn": arn, "VersionName": "v", "OutputConfig": OUTPUT, "FeatureConfig": FEATURE}
        both = {side: data("odd/good.manifest") for side in ("TrainingData", "TestingData")}
        arn = asked.client.create_project_version(**call, **both, Tags=first)["ProjectVersionArn"]
    assert asked.ask("ListTagsForResource", {"ResourceArn": arn}) == {"Tags": first}
    asked.ask("TagResource", {"ResourceArn": arn, "Tags": {"b": "2", "c": ""}})
    assert asked.ask("ListTagsForResource", {"ResourceArn": arn}) == {"Tags": first | {"b": "2", "c": ""}}
    asked.ask("UntagResource", {"ResourceArn": arn, "TagKeys": ["a", "c", "none"]})
    assert asked.ask("ListTagsForResource", {"ResourceArn": arn}) == {"Tags": {"b": "2"}}
    more = {"ResourceArn": arn, "Tags": {f"k{number}": "" for number in range(200)}}
    assert asked.ask("TagResource", more) == "ServiceQuotaExceededException"
    assert asked.ask("ListTagsForResource", {"ResourceArn": arn}) == {"Tags": {"b": "2"}}


def test_request_ids_differ(asked):
    ids = {asked.client.describe_projects()["ResponseMetadata"]["RequestId"] for _ in range(5)}
    assert len(ids) == 5


def test_a_mistake_of_the_callers_answer_is_an_error_of_the_service(capfd):
    with local_rekognition(answer=lambda _: {"Alcohol": "much"}) as server:
        client = server.client(config=Config(retries={"total_max_attempts": 1}))
        with pytest.raises(ClientError, match="InternalServerError"):
            client.detect_moderation_labels(Image={"Bytes": JPEG})
    assert "could not convert string to float: 'much'" in capfd.readouterr().err


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"NextToken":1}', b'{"MaxResults":NaN}']
)  # fmt: skip
def test_bodies_that_no_client_sends_are_answered(asked, body):
    server = asked.server
    keys = Credentials(server.credentials.access_key, server.credentials.secret_key)
    request = AWSRequest(
        "POST", server.url + "/", {"x-amz-target": "RekognitionService.DescribeProjects"}, body
    )
    SigV4Auth(keys, "rekognition", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    connection.request("POST", "/", body, dict(request.headers))
    answer = connection.getresponse()
    assert answer.status == (200 if body == b"" else 400)
    assert answer.getheader("x-amzn-RequestId")
    answer.read()
    connection.close()


@pytest.mark.parametrize("length", ["-1", "many", "9" * 5000])
def test_a_length_that_is_none_is_answered(asked, length):
    connection = http.client.HTTPConnection(asked.server.url.removeprefix("http://"), timeout=20)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", length)
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()
