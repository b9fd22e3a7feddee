"""Gold images: mixed in at a rate, once each, unseen; what they tell of a reviewer and never of an image."""

from __future__ import annotations

import asyncio
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from typer.testing import CliRunner

from manifest_tools.cli import app
from manifest_tools.core.errors import InputError
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.evaluation.statistics import wilson
from manifest_tools.pipeline.check_folder import check_folder
from manifest_tools.reports.html import render_html
from manifest_tools.reports.text import render_text
from manifest_tools.review import audit
from manifest_tools.review.agreement import reviewer_agreement
from manifest_tools.review.csv_sheet import export_sheet, import_sheet
from manifest_tools.review.entries import Said
from manifest_tools.review.exposure import Exposure
from manifest_tools.review.gold_file import take_gold
from manifest_tools.review.handout import Handout, Wish
from manifest_tools.review.journal import ReviewJournal, merge_journal
from manifest_tools.review.queue import Filter
from manifest_tools.review.session import ReviewSession
from manifest_tools.review.split_sheets import deal
from tests.review.conftest import ALCOHOL, VIOLENCE, image_of, make_folder

COUNT, GOLD = 60, range(0, 60, 3)  # twenty gold images


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder of sixty images with a prediction each; two in three have look-alikes, the gold ones have labels."""
    images = [image_of(n, judged="scope" if n in GOLD else "", group=f"g{n // 2}") for n in range(COUNT)]
    labels = [(f"{n:03}.png", ALCOHOL, "predictions", None, 99.0 - n / 2) for n in range(COUNT)]
    labels += [(f"{n:03}.png", VIOLENCE, "table", n % 2 == 0, None) for n in GOLD]
    place = tmp_path_factory.mktemp("gold")
    folder = make_folder(place, images, labels)
    assert take_gold(ReviewSession(folder, "lead"), known(place)) == len(GOLD)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return copied(made, tmp_path)


def copied(made, place):
    shutil.copytree(made, place / "out")
    return place / "out"


def known(place, rows=GOLD, answer="yes"):
    path = place / "gold.csv"
    lines = [f"{n:03}.png,{ALCOHOL},{answer}" for n in rows]
    path.write_text("\n".join(["image,label,answer", *lines, ""]))
    return path


def desk(folder, name="ana", rate=0.1, **options):
    return ReviewSession(folder, name, gold_rate=rate, **options)


def gold_of(queue):
    return [row for row in queue if row in GOLD]


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.1, 0.3, 0.5])
def test_the_rate_is_kept_and_every_gold_image_stands_where_the_order_has_it(made, tmp_path, rate):
    folder = copied(made, tmp_path)
    most = min(len(GOLD), round((COUNT - len(GOLD)) * rate / (1 - rate)))
    queue = desk(folder, rate=rate).queue(Filter(apart=True))
    assert len(gold_of(queue)) == most
    assert queue == sorted(queue)  # by score
    assert queue == desk(folder, rate=rate).queue(Filter(apart=True))


def test_the_rate_holds_over_all_sessions_and_nobody_gets_a_gold_image_twice(folder):
    asked, queue = [], [0]
    while queue:
        review = desk(folder, rate=0.2)
        for row in review.queue(Filter(apart=True))[:17]:
            review.answer(row, [Said(ALCOHOL, True)])
            asked.append(row)
        queue = review.queue(Filter(apart=True))
        assert len(gold_of(asked)) + len(gold_of(queue)) == 10
    assert sorted(asked) == sorted(set(asked))
    assert len(asked) == COUNT - len(GOLD) + 10


def test_each_reviewer_gets_the_gold_images_that_another_has_answered(folder):
    ana, ben = desk(folder, rate=0.3), desk(folder, "ben", 0.3)
    rows = gold_of(ben.queue(Filter()))
    handout = Handout(ben, folder)
    since = handout.queue(Filter())["since"]
    ana.answer(rows[0], [Said(ALCOHOL, False)])
    assert handout.open(Wish("tab", [rows[0]], since))["item"]["known"] == []
    handout.close()
    assert rows[0] in ben.queue(Filter())
    assert rows[0] not in ana.queue(Filter())
    assert rows[0] not in ana.queue(Filter(everything=True))
    ana.undo()
    assert rows[0] in ana.queue(Filter())


def test_a_gold_image_is_told_of_as_one_that_nobody_labelled(folder, tmp_path):
    """Without the journal's word on gold and the labels of these images, every byte is the same."""
    plain = Dataset.load(folder)
    here = plain.images["image"].isin([f"{n:03}.png" for n in GOLD])
    plain.images["judged"] = ""
    plain.images.loc[here, "group"] = ""
    labels = plain.labels[plain.labels["source"] == "predictions"].reset_index(drop=True)
    bare = Dataset.from_tables(
        plain.images, labels, root=plain.root, scope=(VIOLENCE,), sources={"table": {"scope": [VIOLENCE]}}
    )
    bare.save(tmp_path / "bare")
    asked = gold_of(desk(folder).queue(Filter()))
    assert asked
    assert told(folder, asked) == told(tmp_path / "bare", asked)


def told(folder, rows):
    """Return what the server says of images, and of the queue but for the gold images that it leaves out."""
    server = pytest.importorskip("manifest_tools.review.server", exc_type=ImportError)
    review, answers = desk(folder), []
    handout, exposure = Handout(review, folder), Exposure(review)
    page = server.application(review, handout, None, None, server.Session(), exposure=exposure)

    def ask(path, document=None):
        with ThreadPoolExecutor(1) as apart:  # a browser of other tests keeps a loop in this thread
            return apart.submit(asyncio.run, _ask(page, path, document)).result()

    order = json.loads(ask("/api/queue"))
    assert order.keys() == {"order", "since"}
    answers.append([row for row in order["order"] if row not in GOLD or row in rows])
    answers.append(ask("/api/start"))
    for round_ in range(2):
        for row in rows:
            wish = {"images": [row], "tab": "t", "since": order["since"], "again": bool(round_)}
            answers.append(ask("/api/open", wish))
            said = {"image": row, "answers": [{"label": ALCOHOL, "truth": row % 2 == 0}]}
            if not round_:
                answers.append(set(json.loads(ask("/api/answer", said))))
    answers.append({**json.loads(ask("/api/progress")), "left": 0, "held_back": {}})
    answers.append(set(json.loads(ask("/api/undo", {}))))
    assert b"gold" not in b"".join(each for each in answers if isinstance(each, bytes)).lower()
    assert not any(word in ask("/api/progress").decode().lower() for word in ("gold", "known answer"))
    handout.close()
    return answers


async def _ask(page, path, document):
    """Return the body, behind its headers, of an answer of the server."""
    sent = []
    body = b"" if document is None else json.dumps(document).encode()

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    await page(
        {
            "type": "http", "method": "GET" if document is None else "POST", "path": path, "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        },
        receive,
        send,
    )  # fmt: skip
    assert sent[0]["status"] == 200, sent
    assert {name for name, _ in sent[0]["headers"]} == {b"content-length", b"content-type"}
    return b"".join(message.get("body", b"") for message in sent[1:])


def test_answers_about_gold_images_change_no_label(folder):
    before = merge_journal(folder)
    ana, ben = desk(folder), desk(folder, "ben")
    for row in gold_of(ana.queue(Filter())):
        ana.answer(row, [Said(ALCOHOL, False), Said(VIOLENCE, True)], together=True)
        ben.answer(row, [Said("Safe", True)])
        ben.undo()
    after = merge_journal(folder, save=True)
    assert after.labels.equals(before.labels)
    assert after.images.equals(before.images)
    other = next(row for row in ana.queue(Filter()) if row not in GOLD)
    ana.answer(other, [Said(ALCOHOL, True)], together=True)
    changed = merge_journal(folder).labels
    assert set(changed.loc[changed["source"] == "review:ana", "image"]).isdisjoint(
        f"{n:03}.png" for n in GOLD
    )


def test_the_error_rate_with_its_interval_in_every_form(folder):
    ana = desk(folder, rate=0.5)
    rows = gold_of(ana.queue(Filter()))
    assert len(rows) == len(GOLD)
    for place, row in enumerate(rows):
        ana.answer(
            row, [Said("Safe", True) if place == 0 else Said(ALCOHOL, None if place == 1 else place > 4)]
        )
    desk(folder, "ben").answer(1, [Said(ALCOHOL, True)])
    one, two = reviewer_agreement(folder)["reviewers"]
    assert (one["gold"], one["gold_wrong"], one["gold_share"]) == (19, 4, 4 / 19)
    assert one["gold_interval"] == wilson(4, 19).to_dict()
    assert (two["gold"], two["gold_share"], two["gold_interval"]) == (0, None, None)
    report = check_folder(folder)
    assert report.facts["people"]["reviewers"] == [one, two]
    for form in (render_text(report), render_html(report)):
        assert "4 of 19 (8.5 % to 43.3 %)" in form


def test_who_opted_out_gets_no_gold_image_that_shows_the_label(folder):
    review = desk(folder, rate=0.5)
    Exposure(review, opt_out=[VIOLENCE])
    assert {n for n in GOLD if n % 2} == set(gold_of(review.queue(Filter())))


def test_sheets_hold_gold_images_at_the_rate_and_take_them_back(folder, tmp_path):
    review = desk(folder)
    export_sheet(review, tmp_path / "sheet.csv")
    text = (tmp_path / "sheet.csv").read_text(encoding="utf-8-sig")
    assert "gold" not in text
    import_sheet(review, _answered(tmp_path, gold_of(review.queue(Filter()))))
    [ana] = reviewer_agreement(folder)["reviewers"]
    assert (ana["gold"], ana["gold_wrong"]) == (4, 4)
    shares = [len(gold_of(rows)) for rows in deal([desk(folder, name) for name in ("ben", "cem")])]
    assert sum(shares) == 4


def _answered(place, rows):
    path = place / "filled.csv"
    path.write_text("image,label,answer\n" + "".join(f"{n:03}.png,{ALCOHOL},no\n" for n in rows))
    return path


def test_another_file_takes_the_place_of_the_one_before(folder, tmp_path):
    def entries():
        return len(ReviewJournal.of(folder).entries)

    before = entries()
    take_gold(ReviewSession(folder, "lead"), known(tmp_path))
    assert entries() == before
    take_gold(ReviewSession(folder, "lead"), known(tmp_path, [0, 1]))
    assert set(desk(folder, rate=0.5).state.gold) == {0, 1}
    desk(folder).answer(0, [Said(ALCOHOL, False)])
    begun = desk(folder)
    take_gold(ReviewSession(folder, "lead"), known(tmp_path, []))
    begun.state.take_stock()
    review = desk(folder)
    assert review.state.gold == {}
    assert begun.queue(Filter())  # of a session that began before
    assert 0 in review.queue(Filter(apart=True))  # what was said of it then said nothing of the image
    audit.export_audit(folder, tmp_path / "audit.csv")
    lines = (tmp_path / "audit.csv").read_text(encoding="utf-8-sig").splitlines()
    assert sum(",gold," in line for line in lines) == 1


REFUSED = {
    f"000.png,{ALCOHOL},maybe": "line 2: answer is 'maybe'",
    f"000.png,{ALCOHOL},unsure": "line 2: answer is 'unsure'; what is known is yes, no",
    f"000.png,{ALCOHOL},": "line 2: answer is ''",
    f"nowhere.png,{ALCOHOL},yes": "line 2: there is no image 'nowhere.png'",
    "000.png,Alcohl,yes": "nearest: Alcohol",
    f"000.png,{ALCOHOL},yes\n000.png,{ALCOHOL},no": "line 3: '000.png' has Alcohol",
    f"000.png,{ALCOHOL},yes\n000.png,,safe": "line 3: '000.png' has Alcohol",
}


def test_what_is_not_known_is_refused(made, tmp_path):
    path, review = tmp_path / "other.csv", ReviewSession(made, "lead")
    before = len(ReviewJournal.of(made).entries)
    for rows, words in REFUSED.items():
        path.write_text(f"image,label,answer\n{rows}\n")
        with pytest.raises(InputError) as refused:
            take_gold(review, path)
        assert words in str(refused.value)
    assert len(ReviewJournal.of(made).entries) == before


def test_the_command_line(made, tmp_path):
    copied(made, tmp_path)
    run, sheet = CliRunner(), tmp_path / "sheet.csv"
    words = [
        "review",
        str(tmp_path / "out"),
        "--reviewer",
        "ana",
        "--gold",
        str(known(tmp_path)),
        "--gold-rate",
        "0.2",
    ]
    done = run.invoke(app, [*words, "--export", str(sheet)])
    assert done.exit_code == 0, done.output
    assert len({line.split(",")[0] for line in sheet.read_text(encoding="utf-8-sig").splitlines()[1:]}) == 50
    assert run.invoke(app, [*words, "--adjudicate"]).exit_code
