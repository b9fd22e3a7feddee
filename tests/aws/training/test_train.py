from __future__ import annotations

import json

import pytest
from botocore.config import Config

from manifest_tools.aws.publishing.apply import publish
from manifest_tools.aws.training.adapters import (
    AdapterName,
    adapter_status,
    delete_adapter,
    find_project,
    list_adapters,
)
from manifest_tools.aws.training.failure import trace_failure
from manifest_tools.aws.training.plan import plan_training
from manifest_tools.aws.training.train import attach_training, start_training, train_adapter
from manifest_tools.cli.train import training_runs_on
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.findings import Report
from manifest_tools.reports import report_json
from manifest_tools.testing import Faults, fault_proxy, local_rekognition

NAMES = [f"{n} ü#%.jpg" for n in range(12)]
FAST = {"poll": 0.01}
ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def server(s3):
    with local_rekognition(s3=s3) as running:
        yield running


@pytest.fixture(scope="module")
def rekognition(server):
    return server.client()


@pytest.fixture
def clients(rekognition, client):
    return {"client": rekognition, "s3_client": client}


@pytest.fixture
def folder(prepare, prefix, client):
    out = prepare(NAMES, prefix, magic=b"\xff\xd8\xff")
    publish(out, client=client)
    return out


@pytest.fixture
def project(request):
    return "".join(c if c.isalnum() else "-" for c in request.node.name)[:200]


def step(folder, name):
    return [entry["options"] for entry in Dataset.load(folder).history if entry["step"] == name]


def test_a_training_ends_with_an_adapter_that_the_data_set_remembers(folder, project, clients, client):
    result = train_adapter(folder, project, **clients, **FAST)
    assert result.succeeded
    assert result.findings == ()
    started, trained = step(folder, "train")[-1], step(folder, "trained")[-1]
    assert started["arn"] == trained["arn"] == result.adapter.arn
    assert trained["base_model"] == "7.0"
    assert trained["f1"] == pytest.approx(result.adapter.f1)
    assert Dataset.load(folder).images["locked"].all()
    assert "evaluation_results.json" in str(client.list_objects_v2(Bucket="pictures", Prefix="test "))


def test_the_same_data_is_not_trained_twice(folder, project, clients):
    first = train_adapter(folder, project, **clients, **FAST)
    with pytest.raises(InputError, match="trained already.*" + first.adapter.version):
        train_adapter(folder, project, **clients, **FAST)
    other = train_adapter(folder, project, threshold=60, **clients, **FAST)
    assert other.adapter.version != first.adapter.version
    assert other.adapter.threshold == 60


def test_a_training_whose_start_was_not_written_down_is_found_again(folder, project, clients, server):
    """The run died between Amazon's answer and its own note."""
    before = Dataset.load(folder)
    plan = plan_training(folder, project)
    first = start_training(plan, wait=False, **clients)
    before.save(folder)
    calls = server.calls["CreateProjectVersion"]
    again = start_training(plan, **clients, **FAST)
    assert again.succeeded
    assert again.adapter.arn == first.adapter.arn
    assert server.calls["CreateProjectVersion"] == calls


def test_a_failed_try_does_not_block_the_next(folder, project, server, clients):
    server.fail_training("Unable to write to output S3 bucket.")
    failed = train_adapter(folder, project, **clients, **FAST)
    server.fail_training("")
    assert not failed.succeeded
    assert failed.findings[0].message == "training failed: Unable to write to output S3 bucket"
    assert "--output" in failed.findings[0].fix
    again = train_adapter(folder, project, **clients, **FAST)
    assert again.succeeded
    assert again.adapter.version == failed.adapter.version + "-2"


def test_waiting_can_be_taken_up_again(folder, project, clients):
    def interrupt(seconds, total):
        raise KeyboardInterrupt

    assert "no training was started" in training_runs_on(folder)
    with pytest.raises(KeyboardInterrupt):
        train_adapter(folder, project, progress=interrupt, **clients, **FAST)
    assert training_runs_on(folder) == (
        f"the training runs on at Amazon: {step(folder, 'train')[-1]['arn']}; "
        f"'manifest-tools train {folder} --attach' waits for it"
    )
    result = attach_training(folder, **clients, **FAST)
    assert result.succeeded
    assert step(folder, "trained")[-1]["arn"] == result.adapter.arn
    assert attach_training(folder, **clients, **FAST) == result
    assert len(step(folder, "trained")) == 1


def test_a_start_without_waiting(folder, project, clients):
    result = start_training(plan_training(folder, project), wait=False, **clients)
    assert result.adapter.status == "TRAINING_IN_PROGRESS"
    assert step(folder, "train")[-1]["arn"] == result.adapter.arn


def test_nothing_to_attach_to_is_said(folder, clients):
    with pytest.raises(InputError, match="no training was started"):
        attach_training(folder, **clients)


@pytest.mark.parametrize(
    ("fault", "lost"), [("lost_replies", 1), ("lost_replies", 3), ("cuts", 1), ("cuts", 3)]
)
def test_a_lost_answer_makes_nothing_twice(folder, server, clients, fault, lost):
    project = f"lost-{fault}-{lost}"
    before = server.calls["CreateProjectVersion"]
    calls = iter(range(100))
    # the calls are: find the project, make it, look for the version, start the training
    with fault_proxy(server.url, Faults(**{fault: 1.0}), only=lambda *_: next(calls) == lost) as proxy:
        clients["client"] = server.client(url=proxy.url, config=ONCE)
        result = train_adapter(folder, project, **clients, **FAST)
        assert proxy.counts[fault] == 1
    assert result.succeeded
    assert server.calls["CreateProjectVersion"] == before + 1


def test_looks_that_fail_do_not_end_the_waiting(folder, project, server, client):
    calls = iter(range(100))
    with fault_proxy(server.url, Faults(errors=1.0), only=lambda *_: 4 <= next(calls) < 9) as proxy:
        rekognition = server.client(url=proxy.url, config=ONCE)
        result = train_adapter(folder, project, client=rekognition, s3_client=client, **FAST)
        assert proxy.counts["errors"] == 5
    assert result.succeeded


def test_a_service_that_stays_away_ends_the_waiting(folder, project, server, client):
    calls = iter(range(100))
    with fault_proxy(server.url, Faults(errors=1.0), only=lambda *_: next(calls) >= 4) as proxy:
        rekognition = server.client(url=proxy.url, config=ONCE)
        with pytest.raises(RemoteError, match="Looking at adapter"):
            train_adapter(folder, project, client=rekognition, s3_client=client, **FAST)


def test_data_that_has_not_passed_is_refused_unless_forced(folder, project, clients):
    report = {"readiness": {"state": "unknown", "expected": False, "reading": "", "candidates": []}}
    (folder / "report.json").write_text(report_json(Report(passed=True, facts=report)))
    with pytest.raises(InputError, match=r"not trained: Not known yet.*--force"):
        plan_training(folder, project)
    (overridden,) = plan_training(folder, project, force=True).overridden
    assert "only the base model's answers tell" in overridden

    (folder / "report.json").write_text(report_json(Report(passed=False, facts=report)))
    with pytest.raises(InputError, match=r"not trained: Not ready to train.*--force"):
        plan_training(folder, project)

    (folder / "report.json").write_text('{"passed": true}')
    with pytest.raises(InputError, match=r"report\.json is no report"):
        plan_training(folder, project)


def test_data_that_changed_after_publishing_is_refused(folder, project):
    manifest = folder / "train.manifest"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    with pytest.raises(InputError, match=r"train\.manifest is not what was published"):
        plan_training(folder, project)


def test_data_that_was_not_published_is_refused(prepare, prefix, project):
    out = prepare(NAMES, prefix)
    with pytest.raises(InputError, match="was not published"):
        plan_training(out, project, force=True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"project": "bad name!"}, "ProjectName is 'bad name!'"),
        ({"threshold": 500}, "threshold is 500; expected a confidence in per cent"),
        ({"output": "s3://pictures/" + "x" * 2000}, "S3KeyPrefix is"),
    ],
)
def test_what_the_service_would_refuse_is_refused_before_anything_is_made(
    folder, project, clients, options, told
):
    name = options.pop("project", project)
    with pytest.raises(InputError, match=told):
        train_adapter(folder, name, **options, **clients, **FAST)
    assert find_project(clients["client"], project) is None


def test_malformed_keys_and_tags_are_refused(folder, project, clients):
    plan = plan_training(folder, project)
    with pytest.raises(InputError, match="KmsKeyId"):
        start_training(plan, kms_key="no key", **clients)
    with pytest.raises(InputError, match="Tags"):
        start_training(plan, tags={"aws:mine": ""}, **clients)


def test_amazon_splits_when_it_is_told_to(folder, project, clients):
    plan = plan_training(folder, project, auto_split=True)
    assert "look-alikes may stand on both sides" in plan.warnings[0]
    assert list(plan.manifests) == ["train.manifest"]
    result = start_training(plan, **clients, **FAST)
    assert result.succeeded


def test_another_base_model_than_was_asked_is_told(folder, project, clients):
    dataset = Dataset.load(folder)
    dataset.step("predict", images=dataset.images.assign(predicted="6.1")).save(folder)
    result = train_adapter(folder, project, **clients, **FAST)
    assert [found.code for found in result.findings] == ["base-model-changed"]
    assert "6.1" in result.findings[0].message


def break_lines(folder, client, numbers):
    """Spoil lines of the published training manifest, as if it had been written by hand."""
    uri = step(folder, "publish")[-1]["manifests"]["train.manifest"]["uri"]
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    lines = client.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()
    for number, line in numbers.items():
        lines[number - 1] = line(lines[number - 1])
    client.put_object(Bucket=bucket, Key=key, Body=b"\n".join(lines) + b"\n")


@pytest.mark.parametrize("style", ["_", "-"])
def test_a_failed_training_is_traced_to_local_lines(folder, project, s3, client, style):
    without_labels = {2: lambda line: json.dumps({"source-ref": json.loads(line)["source-ref"]}).encode()}
    break_lines(folder, client, {**without_labels, 4: lambda _: b"{ not json"})
    local = (folder / "train.manifest").read_text().splitlines()
    with local_rekognition(s3=s3, summary_style=style) as server:
        result = train_adapter(folder, project, client=server.client(), s3_client=client, **FAST)
    assert not result.succeeded
    whole, *rest = sorted(
        result.findings, key=lambda found: (found.data.get("variant", ""), found.location.line or 0)
    )
    assert whole.message == "training failed: The manifest file has too many invalid rows"
    lines = [found for found in rest if found.data["variant"] == "line"]
    assert [(found.location.line, found.data["aws_code"]) for found in lines] == [
        (2, "ERROR_NO_LABEL_ATTRIBUTES"),
        (4, "ERROR_INVALID_JSON_LINE"),
    ]
    assert {found.location.file for found in lines} == {str(folder / "train.manifest")}
    assert lines[0].location.image in json.loads(local[1])["source-ref"]
    sets = [found for found in rest if found.data["variant"] == "set"]
    assert [found.data["aws_code"] for found in sets] == ["ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"]


def put_json(client, key, *values):
    body = "\n".join(json.dumps(value) for value in values).encode()
    client.put_object(Bucket="pictures", Key=key, Body=body)
    return {"S3Object": {"Bucket": "pictures", "Name": key}}


def description(**members):
    return {"StatusMessage": "The manifest file has too many terminal errors.", **members}


def assets(place):
    return {"Validation": {"Assets": [{"GroundTruthManifest": place}]}}


def test_errors_are_found_wherever_the_documented_neighbours_put_them(folder, client):
    reference = json.loads((folder / "train.manifest").read_text().splitlines()[2])["source-ref"]
    error = [{"code": "ERROR_INVALID_IMAGE", "message": "m"}]
    record = {
        "source-ref": reference,
        "content-moderation-groundtruth": {"ModerationLabels": [{"Name": "x", "errors": error}]},
        "x-metadata": {"cl-errors": error},
        "warnings": [{"code": "WARNING_UNANNOTATED_RECORD", "message": "w"}],
        "errors": "not a list",
    }
    place = put_json(client, "trace/validation", {}, record, [1], "text")
    found = trace_failure(description(TrainingDataResult=assets(place)), folder, client=client)
    about_line = [
        f for f in found if f.location.line == 3
    ]  # by source-ref, not by the number in Amazon's file
    assert [f.severity for f in about_line] == ["error", "error", "warning"]


def test_a_summary_in_the_manner_of_bulk_analysis_is_read(folder, client):
    reference = json.loads((folder / "train.manifest").read_text().splitlines()[1])["source-ref"]
    errors = [
        {"line-numer": 3, "code": "A", "message": "a"},
        {"line-number": 9, "source-ref": reference, "code": "B", "message": "b"},
        {"code": "C", "message": "c"},
        "junk",
    ]
    place = put_json(client, "trace/summary", {"statistics": {"total-json-lines": 3}, "errors": errors})
    found = trace_failure(description(ManifestSummary=place), folder, client=client)
    places = {f.data.get("aws_code"): f.location.line for f in found}
    assert places == {None: None, "A": 3, "B": 2, "C": None}


def test_lines_that_only_the_summary_names_are_told(folder, client):
    statistics = {"training": {"error_line_indices": [2, "x"]}, "testing": {"error_json_line_indices": [1]}}
    place = put_json(client, "trace/numbers", {"statistics": statistics, "errors": None})
    found = trace_failure(description(ManifestSummary=place), folder, client=client)
    places = {(f.location.file, f.location.line) for f in found if f.location.line}
    assert places == {(str(folder / "train.manifest"), 2), (str(folder / "test.manifest"), 1)}


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[[[[", b'{"statistics": {"training": []}}', b'{"statistics": 1}']
)
def test_files_that_make_no_sense_do_no_harm(folder, client, content):
    client.put_object(Bucket="pictures", Key="trace/odd", Body=content)
    place = {"S3Object": {"Bucket": "pictures", "Name": "trace/odd"}}
    found = trace_failure(
        description(ManifestSummary=place, TrainingDataResult=assets(place), TestingDataResult={}),
        folder,
        client=client,
    )
    assert [f.code for f in found] == ["training-failed"]


def test_files_that_are_not_there_are_passed_over(folder, client):
    place = {"S3Object": {"Bucket": "pictures", "Name": "trace/none"}}
    found = trace_failure({"ManifestSummary": place, "StatusMessage": None}, folder, client=client)
    assert [f.message for f in found] == ["training failed: no reason given"]


def test_a_file_of_errors_at_the_output_place_is_read_as_a_neighbour_writes_it(folder, client):
    reference = json.loads((folder / "test.manifest").read_text().splitlines()[0])["source-ref"]
    errors = [
        {"code": "ERROR_DUPLICATE_SOURCE_REF", "message": "A record with this source-ref already exists"}
    ]
    put_json(
        client, "neighbour/out/x/validation_errors.jsonl", {"source-ref": reference, "errors": errors}, "text"
    )
    put_json(client, "neighbour/outside/validation_errors.jsonl", {"source-ref": reference, "errors": errors})
    message = "Manifest file contains invalid records. Consult validation error file at OutputConfig path"
    found = trace_failure(
        {"StatusMessage": message, "OutputConfig": {"S3Bucket": "pictures", "S3KeyPrefix": "neighbour/out"}},
        folder,
        client=client,
    )
    whole, line = sorted(found, key=lambda f: f.location.line or 0)
    assert (line.location.file, line.location.line) == (str(folder / "test.manifest"), 1)
    assert line.data["aws_code"] == "ERROR_DUPLICATE_SOURCE_REF"
    for told in (whole, line):
        assert "Amazon Textract's adapters" in told.fix
        assert "not documented" in told.fix


@pytest.mark.parametrize("reference", [["a"], {"a": 1}, 7, None])
def test_a_line_there_whose_reference_is_no_text_is_told_all_the_same(folder, client, reference):
    errors = [{"code": "ERROR_INVALID_JSON_LINE", "message": "strange"}]
    line = {"source-ref": reference, "errors": errors}
    put_json(client, "neighbour/strange/validation_errors.jsonl", line, "text")
    output = {"S3Bucket": "pictures", "S3KeyPrefix": "neighbour/strange"}
    found = trace_failure(description(OutputConfig=output), folder, client=client)
    assert [f.data.get("aws_code") for f in found if f.data.get("aws_code")] == ["ERROR_INVALID_JSON_LINE"]


@pytest.mark.parametrize(
    "output", [{}, {"S3Bucket": "no-such-bucket"}, {"S3Bucket": "pictures", "S3KeyPrefix": "none"}]
)
def test_an_output_place_without_errors_adds_nothing(folder, client, output):
    found = trace_failure(description(OutputConfig=output), folder, client=client)
    assert len(found) == 1
    assert "Textract" not in found[0].fix


def test_adapters_are_listed_looked_at_and_deleted(folder, project, clients, rekognition):
    arn = train_adapter(folder, project, **clients, **FAST).adapter.arn
    assert [adapter.arn for adapter in list_adapters(rekognition, project=project)] == [arn]
    assert arn in {adapter.arn for adapter in list_adapters(rekognition)}
    adapter = adapter_status(rekognition, arn)
    assert (adapter.project, adapter.status, adapter.usable) == (project, "TRAINING_COMPLETED", True)
    delete_adapter(rekognition, arn)
    assert list(list_adapters(rekognition, project=project)) == []
    with pytest.raises(InputError, match="there is no adapter"):
        adapter_status(rekognition, arn)
    with pytest.raises(RemoteError, match="no such project or adapter"):
        delete_adapter(rekognition, arn)


@pytest.mark.parametrize("arn", ["", "nonsense", "arn:aws:rekognition:us-east-1:111122223333:project/x/1"])
def test_what_is_no_adapter_is_said(rekognition, arn):
    with pytest.raises(InputError, match="is no adapter"):
        adapter_status(rekognition, arn)
    with pytest.raises(InputError, match="is no adapter"):
        delete_adapter(rekognition, arn)


def test_the_parts_of_an_arn():
    arn = "arn:aws-cn:rekognition:cn-north-1:111122223333:project/my.bar_1/version/v-1/1730000000001"
    assert AdapterName.parse(arn) == AdapterName("my.bar_1", "v-1", "cn-north-1")
