"""`--max-cost`: no call beyond it, nothing lost, and what was paid is written down however a run ends."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import replace
from hashlib import sha256

import pandas as pd
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from manifest_tools.aws.costs import costs_of, last_round, open_round, spent
from manifest_tools.aws.moderation.moderate import moderate
from manifest_tools.aws.prediction.answer_journal import answer_journal, fresh_journal
from manifest_tools.aws.prediction.budget import MAX_COST, Budget, CostLimitError, Purse
from manifest_tools.aws.prediction.predict import JOURNAL, predict_labels
from manifest_tools.aws.prediction.question import Question
from manifest_tools.core import bounded_json
from manifest_tools.core.errors import InputError, RemoteError
from manifest_tools.dataset.chunks import SavedDataset
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.parallel.executors import SerialExecutor
from manifest_tools.pipeline.batch import predict as batch
from manifest_tools.pipeline.batch.run_folder import RunFolder
from manifest_tools.testing import Faults, fault_proxy, local_rekognition

ONCE = Config(retries={"total_max_attempts": 1}, max_pool_connections=64)
FAST = {"tps": 5000.0}
COUNT = 12


@pytest.fixture(scope="module")
def running():
    with local_rekognition() as server:
        yield server


@pytest.fixture
def server(running):
    running.pictures.clear()
    running.calls.clear()
    return running


@pytest.fixture
def client(server):
    return server.client(config=ONCE)


@pytest.fixture
def client_here(server, client, monkeypatch):
    """A client, and an environment in which workers make one of their own."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return client


@pytest.fixture
def pictures(tmp_path):
    rows = []
    for number in range(COUNT):
        content = b"\xff\xd8\xff" + bytes([number])
        (tmp_path / f"{number}.jpg").write_bytes(content)
        rows.append(
            {"image": f"{number}.jpg", "bytes": 4, "sha256": sha256(content).hexdigest(), "format": "JPEG"}
        )
    return Dataset.from_tables(pd.DataFrame(rows), root=str(tmp_path))


def summary(out):
    return bounded_json.loads((out / "predictions-summary.json").read_bytes())


@given(
    st.decimals(0, 10, places=4), st.decimals("0.0001", 5000, places=4), st.lists(st.booleans(), max_size=60)
)
def test_what_is_paid_never_passes_the_limit_and_no_affordable_call_is_refused(limit, thousand, takes):
    budget = Budget(Purse(float(limit)), float(thousand))
    for take in takes:
        if take:
            affordable = (budget.made + 1) * thousand / 1000 <= limit
            assert budget.take() == affordable
        elif budget.made:
            budget.give_back()
        assert budget.made * thousand / 1000 <= limit


@pytest.mark.parametrize("limit", [-1, float("nan"), float("inf")])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(InputError, match="amount of money"):
        Purse(limit)


def test_a_limit_wants_a_price_but_nothing_needs_none():
    with pytest.raises(InputError, match="give --price"):
        Budget(Purse(1), None)
    for price in (-1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="price of a thousand calls"):
            Budget(Purse(), price)
    assert not Budget(Purse(0), None).take()
    assert Budget(Purse(), None).take_up_to(10**6) == 10**6


@pytest.mark.parametrize("price", [None, 1.0])
def test_nothing_to_spend_means_no_paid_call(server, client, pictures, tmp_path, price):
    predict_labels(pictures, tmp_path / "out", client=client, price=price, max_cost=0, **FAST)
    assert not server.calls["DetectModerationLabels"]
    assert {error["code"] for error in summary(tmp_path / "out")["errors"]} == {MAX_COST}
    assert costs_of(tmp_path / "out") == []


@pytest.mark.parametrize("executor", [None, SerialExecutor, lambda: ThreadPoolExecutor(2)])
def test_a_run_stops_at_the_next_call_and_the_same_command_goes_on(
    server, client_here, pictures, tmp_path, executor
):
    out, asked = tmp_path / "out", []
    for _ in range(4):
        predict_labels(
            pictures,
            out,
            client=client_here,
            price=1.0,
            max_cost=0.005,
            executor=executor and executor(),
            **FAST,
        )
        asked.append(server.calls["DetectModerationLabels"])
    assert asked == [5, 10, COUNT, COUNT]
    assert not summary(out)["errors"]
    assert [record["calls"] for record in costs_of(out)] == [5, 5, 2]
    assert spent(costs_of(out)).cost == pytest.approx(0.012)


def test_refused_calls_cost_nothing(server, pictures, tmp_path):
    """Every third call is refused for the rate, and the money is enough for one call each."""
    shaky, answers = server.client(config=ONCE), server.client(config=ONCE).detect_moderation_labels
    throttled = ClientError(
        {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "x"
    )
    calls = itertools.count()

    def answer(**parameters):
        if next(calls) % 3 == 1:
            raise throttled
        return answers(**parameters)

    shaky.detect_moderation_labels = answer
    options = {"price": 1.0, "max_cost": COUNT / 1000, "workers": 1}
    predict_labels(pictures, tmp_path / "out", client=shaky, **options, **FAST)
    assert not summary(tmp_path / "out")["errors"]
    assert spent(costs_of(tmp_path / "out")).calls == COUNT < next(calls)


def test_calls_of_unknown_end_count_as_paid(server, pictures, tmp_path):
    with fault_proxy(server.url, Faults(lost_replies=1.0)) as proxy:
        deaf = server.client(url=proxy.url, config=ONCE)
        with suppress(RemoteError):  # where the limit does not end it before
            predict_labels(pictures, tmp_path / "out", client=deaf, price=1.0, max_cost=0.003, **FAST)
        assert proxy.counts["requests"] <= 3
    assert spent(costs_of(tmp_path / "out")).calls == 3


def test_a_refused_run_costs_nothing(server, pictures, tmp_path):
    wrong = server.client(config=ONCE)
    arn = "arn:aws:rekognition:us-east-1:111122223333:project/p/version/v/1730000000001"
    with pytest.raises(RemoteError):
        predict_labels(pictures, tmp_path / "out", client=wrong, adapter=arn, price=1.0, **FAST)
    assert costs_of(tmp_path / "out") == []


def test_answers_of_a_killed_run_are_paid_for_too(client, pictures, tmp_path):
    """It kept answers in its journal, and died before it could write down what they cost."""
    out = tmp_path / "out"
    question = Question("", 5.0)
    answer = {"ModerationLabels": [], "ModerationModelVersion": "7.0"}
    with answer_journal(out / JOURNAL) as journal:
        keys = list(pictures.images["sha256"])[:4]
        journal.append({"picture": key, "question": question.fingerprint, "answer": answer} for key in keys)
    for _ in range(2):
        predict_labels(pictures, out, client=client, price=1.0, **FAST)
    assert [(record["calls"], record.get("of", "")) for record in costs_of(out)] == [
        (4, "runs that were cut off"),
        (8, ""),
    ]
    predict_labels(pictures, out, client=client, price=1.0, fresh=True, **FAST)
    assert spent(costs_of(out)).calls == 2 * COUNT


def test_answers_that_were_forgotten_are_not_paid_for_again(client, pictures, tmp_path):
    out = tmp_path / "out"
    predict_labels(pictures, out, client=client, price=1.0, **FAST)
    journal, gone = out / JOURNAL, pictures.images["sha256"].iloc[-1]
    kept = [line for line in journal.read_bytes().splitlines(keepends=True) if gone.encode() not in line]
    journal.write_bytes(b"".join(kept))
    predict_labels(replace(pictures, images=pictures.images.iloc[:-1]), out, client=client, price=1.0, **FAST)
    assert [record["calls"] for record in costs_of(out)] == [COUNT]


def test_answers_of_a_killed_run_that_began_anew_are_paid_for_too(client, pictures, tmp_path):
    out = tmp_path / "out"
    predict_labels(pictures, out, client=client, price=1.0, **FAST)
    before = (out / JOURNAL).read_bytes()  # it died after its first answers
    fresh_journal(out / JOURNAL).write_bytes(b"".join(before.splitlines(keepends=True)[:4]))
    predict_labels(pictures, out, client=client, price=1.0, fresh=True, **FAST)
    assert spent(costs_of(out)).calls == 2 * COUNT
    predict_labels(pictures, out, client=client, price=1.0, **FAST)
    assert spent(costs_of(out)).calls == 2 * COUNT


def test_moderating_pays_both_models_out_of_one_purse(server, client, make_adapter, pictures, tmp_path):
    arn = make_adapter(server)
    options = {"client": client, "compare_base": True, "price": 2.0, "base_price": 1.0, **FAST}
    first = moderate(pictures, arn, tmp_path / "out", max_cost=0.027, **options)
    assert server.calls["DetectModerationLabels"] == 12 + 3
    assert (first.not_asked, first.disagreements is None) == (0, False)
    other = moderate(pictures, arn, tmp_path / "other", max_cost=0.009, **options)
    assert (other.not_asked, other.failed, server.calls["DetectModerationLabels"]) == (8, 8, 15 + 4 + 1)
    again = moderate(pictures, arn, tmp_path / "other", **options)
    assert (again.not_asked, server.calls["DetectModerationLabels"]) == (0, 2 * 2 * COUNT - 9)


def test_batches_of_millions_stop_whole_and_go_on(server, client_here, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "TOGETHER", 5)
    pictures.save(tmp_path / "DIR")
    done = []
    ending = pytest.raises(CostLimitError, match="goes on from here")
    for end in (ending, ending, nullcontext()):
        asking = batch.plan_asking(SavedDataset.open(tmp_path / "DIR"), scratch=tmp_path)
        options = {"client": client_here, "tps": 5000.0, "price": 1.0, "max_cost": 0.006}
        with end:
            told = batch.predict_saved(asking, RunFolder.at(str(tmp_path / "run")), Question(), **options)
        done.append(server.calls["DetectModerationLabels"])
    assert done == [5, 10, COUNT]
    assert told.answered == COUNT
    assert [record["calls"] for record in costs_of(tmp_path / "DIR")] == [5, 5, 2]


def test_batches_of_a_run_that_was_killed_are_paid_for_by_the_next(
    client_here, pictures, tmp_path, monkeypatch
):
    monkeypatch.setattr(batch, "TOGETHER", 5)
    pictures.save(tmp_path / "DIR")
    options = {"client": client_here, "tps": 5000.0, "price": 1.0}

    def run(name, **more):
        asking = batch.plan_asking(SavedDataset.open(tmp_path / "DIR"), scratch=tmp_path)
        batch.predict_saved(asking, RunFolder.at(str(tmp_path / name)), Question(), **options, **more)

    def killed():
        """Take what a run has written down at its end for what a kill kept it from."""
        lines = (tmp_path / "DIR/dataset/costs.jsonl").read_bytes().splitlines(keepends=True)
        (tmp_path / "DIR/dataset/costs.jsonl").write_bytes(b"".join(lines[:-1]))

    with pytest.raises(CostLimitError):
        run("run", max_cost=0.006)
    killed()
    with pytest.raises(CostLimitError):
        run("run", max_cost=0.006)
    assert [(record["calls"], record.get("of")) for record in costs_of(tmp_path / "DIR")] == [
        (5, "runs that were cut off"),
        (5, None),
    ]
    killed()
    run("run")
    assert [record["calls"] for record in costs_of(tmp_path / "DIR")] == [5, 5, 2]
    assert {record["run"] for record in costs_of(tmp_path / "DIR")} == {str(tmp_path / "run")}


def test_batches_in_another_folder_are_paid_for_again(client_here, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "TOGETHER", 5)
    pictures.save(tmp_path / "DIR")
    options = {"client": client_here, "tps": 5000.0, "price": 1.0, "max_cost": 0.005}
    for name in ("run", "other", "other"):
        asking = batch.plan_asking(SavedDataset.open(tmp_path / "DIR"), scratch=tmp_path)
        with pytest.raises(CostLimitError):
            batch.predict_saved(asking, RunFolder.at(str(tmp_path / name)), Question(), **options)
    assert [record["calls"] for record in costs_of(tmp_path / "DIR")] == [5, 0, 5, 5]


def test_a_small_last_batch_counts_for_what_it_holds(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "TOGETHER", 5)
    pictures.save(tmp_path / "DIR")
    asking = batch.plan_asking(SavedDataset.open(tmp_path / "DIR"), scratch=tmp_path)
    folder = RunFolder.at(str(tmp_path / "run"))
    folder.write(
        "batches/000000002.parquet", b"the last one, which a quick worker finished before the others"
    )
    plan = batch.plan_in_numbers(asking, folder, tps=5.0, region=None, price=1.0)
    assert (plan.to_ask, plan.cost) == (10, 0.01)


def test_a_round_ends_with_its_training():
    calls, training = (
        {"what": "calls", "cost": 1.0, "calls": 1000},
        {"what": "training", "cost": None, "hours": 2},
    )
    assert open_round([]) == last_round([]) == last_round([calls]) == []
    assert (open_round([calls]), open_round([calls, training])) == ([calls], [])
    assert last_round([calls, training]) == [calls, training]
    assert open_round([calls, training, calls]) == [calls]
    assert last_round([calls, training, calls, calls, training, calls]) == [calls, calls, training]
    assert spent([calls, training]).unpriced_hours == 2
