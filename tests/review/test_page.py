"""The page in a real browser: by keyboard alone, hidden until revealed, and nothing lost."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Policy
from manifest_tools.review.entries import Remark, Said
from manifest_tools.review.journal import ReviewJournal, merge_journal
from manifest_tools.review.session import ReviewSession
from tests.review.conftest import ALCOHOL, image_of, make_folder

READY = "() => document.body.dataset.ready === '{}'"


@pytest.fixture
def tab(browser):
    """Return a function that opens a page in one browser profile, and fails on errors that the page makes."""
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    context.set_default_timeout(30_000)
    problems = []

    def new(url):
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(url)
        page.wait_for_function("() => document.body.dataset.ready")
        return page

    yield new
    context.close()
    assert problems == []


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def reveal(page):
    press(page, "Space")
    page.wait_for_selector("#stage.shown")


def at(page, ready):
    page.wait_for_function(READY.format(ready))


def said(folder):
    return [(entry.images[0].image, *entry.answers[0]) for entry in ReviewJournal.of(folder).standing]


def test_thirty_images_by_keyboard_alone_with_a_reload_in_the_middle(many, serving, tab):
    with serving(many) as url:
        page = tab(url)
        for number in range(15):
            at(page, f"{number}:{number}")
            reveal(page)
            press(page, "ynu"[number % 3])
        at(page, "15:15")
        page.reload()
        at(page, "15:0")  # what was answered is not asked again
        for number in range(15, 30):
            at(page, f"{number}:{number - 15}")
            reveal(page)
            press(page, "ynu"[number % 3])
        at(page, "end")
        page.wait_for_function("() => document.body.dataset.answered === '30'")
        assert page.inner_text("#title") == "That was the last one."
    truths = (True, False, None)
    assert said(many) == [(f"{n:03}.png", ALCOHOL, truths[n % 3]) for n in range(30)]
    labels = Dataset.load(many).labels  # merged when the server ended
    assert labels["source"].eq("review:ana").sum() == 30


def screenshot(page):
    image = Image.open(io.BytesIO(page.locator("#frame").screenshot())).convert("RGB")
    return np.asarray(image).astype(int)


def test_no_pixel_of_a_hidden_picture_is_on_the_screen(tmp_path, serving, tab):
    folder = make_folder(tmp_path, [image_of(n, judged="") for n in range(3)], [])
    random = np.random.default_rng(0)
    for number in range(3):  # loud and detailed: any of it would show
        noise = random.integers(0, 2, (300, 400, 3), dtype=np.uint8) * 255
        Image.fromarray(noise).save(tmp_path / "pictures" / f"{number:03}.png")

    def detail(page):
        page.evaluate("document.getElementById('cover').style.visibility = 'hidden'")
        shot = screenshot(page)
        colour = (shot.max(axis=2) - shot.min(axis=2)).max()
        steps = np.abs(np.diff(shot.sum(axis=2)[20:-20, 20:-20], axis=1)).max() / 3
        return colour, steps

    with serving(folder) as url:
        page = tab(url)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        hidden = detail(page)
        assert hidden[0] < 16  # grey, but for the frame's own tint
        assert hidden[1] < 8  # smooth
        assert not any("/picture/" in address for address in asked)
        reveal(page)
        assert min(detail(page)) > 100
        press(page, "ArrowRight")
        at(page, "1:1")
        assert not page.is_visible("#picture")
        assert page.get_attribute("#picture", "src") is None
        assert max(detail(page)) < 16
        press(page, "ArrowLeft")  # also when one comes back
        at(page, "0:0")
        assert max(detail(page)) < 16
        reveal(page)
        press(page, "Space")
        page.wait_for_selector("#stage:not(.shown)")
        assert max(detail(page)) < 16


def test_what_people_see_stands_beside_what_the_model_sees(tmp_path, serving, tab):
    folder = make_folder(tmp_path, [image_of(n, judged="") for n in range(2)], [])
    clear = Image.new("RGBA", (120, 90), (200, 0, 0, 0))
    clear.paste((0, 0, 200, 255), (0, 0, 60, 90))
    clear.save(tmp_path / "pictures" / "000.png")
    with serving(folder) as url:
        page = tab(url)
        assert not page.is_visible("#people")
        reveal(page)
        assert page.is_visible("#picture")
        assert page.is_visible("#people")
        names = [page.get_attribute(f"#{place}", "alt") for place in ("picture", "people")]
        assert (
            names
            == page.locator("#views .named").all_inner_texts()
            == ["What the model sees", "What people see"]
        )
        assert "People see another picture" in page.get_attribute("#stage", "aria-label")
        boxes = [page.locator(f"#{place}").bounding_box() for place in ("picture", "people")]
        assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
        press(page, "ArrowRight")
        at(page, "1:1")
        assert page.get_attribute("#people", "src") is None
        reveal(page)
        assert page.is_visible("#picture")
        assert not page.is_visible("#people")
        assert not page.locator("#views .named").first.is_visible()


def test_a_key_hides_what_the_label_means_and_shows_it_again(many, serving, tab):
    with serving(many) as url:
        page = tab(url)
        at(page, "0:0")
        assert page.is_visible("#definition")
        assert "alcohol" in page.inner_text("#definition").lower()
        press(page, "d")
        assert not page.is_visible("#definition")
        assert page.get_attribute("[data-do=define]", "aria-expanded") == "false"
        press(page, "ArrowRight")
        at(page, "1:1")
        assert not page.is_visible("#definition")  # it stays as one chose
        press(page, "d")
        assert page.is_visible("#definition")
        assert page.get_attribute("[data-do=define]", "aria-expanded") == "true"


def test_labels_are_added_taken_back_and_safe_is_said(many, serving, tab):
    with serving(many) as url:
        page = tab(url)
        press(page, "y")
        assert page.inner_text("#said") == "Reveal the picture first."
        reveal(page)
        press(page, "a")
        page.keyboard.type("weapon")
        press(page, "ArrowDown", "ArrowUp", "Enter")
        page.wait_for_function("() => document.getElementById('said').textContent.startsWith('Saved')")
        at(page, "0:0")
        press(page, "s")
        at(page, "1:1")
        press(page, "z")
        at(page, "0:0")
        press(page, "z")
        page.wait_for_function("() => document.getElementById('said').textContent === 'Taken back.'")
        page.wait_for_function("() => document.body.dataset.answered === '0'")
    assert said(many) == []
    assert len([entry for entry in ReviewJournal.of(many).entries if entry.looked is None]) == 4


def test_two_tabs_do_not_overwrite_each_other(many, serving, tab):
    with serving(many) as url:
        first = tab(url)
        second = tab(url)  # the same browser: the session is known
        for page, keys in ((first, "y"), (second, "n"), (first, "n"), (second, "y")):
            reveal(page)
            ready = page.evaluate("document.body.dataset.ready")
            press(page, keys)
            page.wait_for_function(f"() => document.body.dataset.ready !== '{ready}'")
    assert len(ReviewJournal.of(many).standing) == 4
    rows = merge_journal(many).labels
    rows = rows[rows["source"] == "review:ana"]
    assert list(rows["truth"]) == [False, True]  # the newest of each image


def test_hostile_names_are_text(tmp_path, serving, tab):
    name = "<img src=x onerror=alert(1)>\n#1%20 ümlaut.png"
    folder = make_folder(tmp_path, [image_of(0, name, judged="")], [])
    with serving(folder, reviewer="<b>eve</b>") as url:
        page = tab(url)
        assert page.text_content("#name") == name
        assert "<b>eve</b>" in page.text_content("#place")
        assert page.locator("#name img").count() == 0


def test_the_server_killed_in_the_middle_loses_nothing(many, tab):
    command = [
        sys.executable,
        "-m",
        "manifest_tools",
        "review",
        str(many),
        "--no-browser",
        "--reviewer",
        "ana",
        "-q",
    ]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    try:
        page = tab(server.stdout.readline().strip())
        for number in range(3):
            at(page, f"{number}:{number}")
            reveal(page)
            press(page, "y")
        at(page, "3:3")
        reveal(page)
        server.send_signal(signal.SIGKILL)
        server.wait()
        press(page, "y")
        page.wait_for_selector("#problem:not([hidden])")
        assert "does not answer" in page.inner_text("#problem")
        assert page.evaluate("document.body.dataset.ready") == "3:3"  # it does not go on
        assert not page.is_visible("#picture")
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()
        server.wait()
        server.stdout.close()
    assert [row[0] for row in said(many)] == ["000.png", "001.png", "002.png"]
    assert merge_journal(many).labels["source"].eq("review:ana").sum() == 3


def test_another_origin_cannot_read_or_answer(many, serving, tab, browser):
    with serving(many) as url:
        page = tab(url)
        own = page.evaluate("location.origin")
        foreign = page.context.new_page()
        foreign.goto("about:blank")
        script = """async (own) => {
          const ask = async (path, options) => { try { return (await fetch(own + path, options)).status } catch { return 'refused' } };
          const body = JSON.stringify({image: 0, answers: [{label: 'Alcohol', truth: null}]});
          return [await ask('/api/queue', {credentials: 'include'}),
                  await ask('/api/answer', {method: 'POST', mode: 'cors', body, credentials: 'include'})];
        }"""
        assert foreign.evaluate(script, own) == ["refused", "refused"]
    assert ReviewJournal.of(many).entries == []


def test_filter_pause_and_finish(many, serving, tab):
    with serving(many, session=(2, 3)) as url:
        page = tab(url)
        page.keyboard.press("f")
        page.select_option("[name=outcome]", "true-positives")
        page.keyboard.press("Enter")
        page.click("#filtering [type=submit]")
        at(page, "end")
        page.keyboard.press("f")
        page.select_option("[name=outcome]", "")
        page.click("#filtering [type=submit]")
        at(page, "0:0")
        press(page, "ArrowRight")
        at(page, "1:1")
        press(page, "ArrowRight")
        page.wait_for_selector("#pausing[open]")
        assert "Look away" in page.inner_text("#pause")
        press(page, "Enter")
        page.wait_for_selector("#pausing:not([open])", state="attached")
        press(page, "ArrowRight")
        page.wait_for_selector("#pausing[open]")
        assert "enough" in page.inner_text("#pause")
        page.click("#pausing [data-do=finish]")
        page.wait_for_function("() => document.getElementById('place').textContent.startsWith('Finished')")


def test_a_phone_s_width_and_a_pointer_are_enough(many, serving, tab):
    with serving(many) as url:
        page = tab(url)
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.click("#stage")
        page.wait_for_selector("#stage.shown")
        page.click("[data-do=zoom]")
        page.click("[data-do=no]")
        at(page, "1:1")
        assert page.get_attribute("[data-do=zoom]", "aria-pressed") == "false"
        # the next key or touch reveals, it does not answer
        assert page.evaluate("document.activeElement.id") == "stage"
    assert said(many) == [("000.png", ALCOHOL, False)]


def test_every_control_has_a_name_for_a_screen_reader(many, serving, tab):
    with serving(many) as url:
        page = tab(url)
        nameless = page.evaluate("""() => [...document.querySelectorAll('button, input, select, dialog, section')]
            .filter((one) => !(one.ariaLabel || one.textContent.trim() || (one.labels && one.labels.length)))
            .map((one) => one.outerHTML)""")
        assert nameless == []
        assert page.get_attribute("html", "lang") == "en"


def test_a_reason_and_a_note_go_with_the_answers_about_a_picture(many, serving, tab):
    policy = Policy(reasons={"ad": "an advertisement", "art": ""})
    Dataset.load(many).step("policy", policy=policy.to_dict()).save(many)
    with serving(many) as url:
        page = tab(url)
        at(page, "0:0")
        reveal(page)
        press(page, "r")
        page.wait_for_selector("#reasoning[open]")
        page.keyboard.type("ad")
        press(page, "Tab")
        page.keyboard.type("on a <b>shirt</b>")
        press(page, "Enter")
        page.wait_for_selector("#reasoning:not([open])", state="attached")
        assert page.inner_text("#because") == "Reason: ad · on a <b>shirt</b>"
        press(page, "y")
        at(page, "1:1")
        assert not page.is_visible("#because")
        reveal(page)
        press(page, "n")
        at(page, "2:2")
    first, second = (entry.remark for entry in ReviewJournal.of(many).standing)
    assert (first.reason, first.note) == ("ad", "on a <b>shirt</b>")
    assert (second.reason, second.note) == ("", "")
    assert 0 <= first.seconds < 60


def test_accessibility_at_the_width_of_a_phone(folder, serving, tab):
    ana = ReviewSession(folder, "ana", second_look=["1"])
    ana.answer(0, [Said(ALCOHOL, True)], remark=Remark(note="a can"))
    ReviewSession(folder, "ben").answer(0, [Said(ALCOHOL, False)])
    with serving(folder, reviewer="cem", adjudicating=True) as url:
        page = tab(url)
        page.set_viewport_size({"width": 400, "height": 800})
        page.wait_for_function("() => document.querySelector('#progress tbody').children.length")
        assert page.inner_text("#why") == "People differ: present, absent"
        assert "a can" in page.inner_text("#known")
        reveal(page)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert violations(page) == []
            for key, dialog in (("r", "reasoning"), ("?", "helping"), ("f", "filtering"), ("a", "adding")):
                press(page, key)
                page.wait_for_selector(f"#{dialog}[open]")
                assert violations(page) == []
                press(page, "Escape")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def violations(page):
    axe = pytest.importorskip("axe_playwright_python")
    page.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8"))
    return page.evaluate("axe.run().then(result => result.violations.map(v => [v.id, v.nodes[0].html]))")
