"""The page in a real browser: it works by double click, loads nothing, and runs nothing that data says."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.findings.policy import Goal, Policy, Target
from manifest_tools.reports.html import render_html
from manifest_tools.rules.checking import check_dataset
from tests.pictures import save
from tests.reports.conftest import violations
from tests.rules.samples import ASKED, SOUND, data, mixture, together

HOSTILE = [
    "<script>alert(1)<x>.jpg",
    '"><img src=x onerror=alert(2)>.jpg',
    "' autofocus onfocus='alert(3)'.jpg",
    "{{ 7 * 7 }} ${7 * 7} {% raw %}.jpg",
    "</bdi></td><x>.jpg",
    "evil\u202egpj.exe",
    "line\nfeed.jpg",
    "שלום עולם.jpg",
    "👨‍👩‍👧 family.jpg",
    "a" * 220 + ".jpg",
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """A page about images and labels whose names attack it, with hidden pictures."""
    root = tmp_path_factory.mktemp("hostile")
    for number in range(len(HOSTILE)):
        save(root / f"{number}.jpg", number)
    facts = {**SOUND, "format": "JPEG", **ASKED}
    images = pd.DataFrame(
        [
            {**facts, "image": name, "uri": f"{number}.jpg", "group": HOSTILE[number // 2 * 2]}
            for number, name in enumerate(HOSTILE)
        ]
    )
    labels = pd.DataFrame(
        [
            (name, "<img src=x onerror=alert(4)>" if n % 2 else "Alcohol", "table", True)
            for n, name in enumerate(HOSTILE)
        ],
        columns=["image", "label", "source", "truth"],
    )
    dataset = Dataset.from_tables(
        images, labels, root=str(root), destination="s3://bucket/<b>", scope=("Alcohol",)
    )
    page = root / "report.html"
    page.write_text(render_html(check_dataset(dataset), dataset, thumbnails="hidden"), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """A page about an ordinary data set with more findings than it shows at once."""
    dataset = together(
        mixture(fp=25, fn=5, tp=12, tn=20),
        mixture(tp=10, tn=20, split="test", prefix="test/"),
        mixture("Gambling", fp=3, prefix="g/"),
    )
    odd = dataset.images.assign(mode=["CMYK" if "f" in key else "RGB" for key in dataset.images["image"]])
    dataset = dataset.step("odd", images=odd)
    page = tmp_path_factory.mktemp("plain") / "report.html"
    policy = Policy(targets=(Target("Alcohol", Goal.FALSE_POSITIVES),))
    page.write_text(render_html(check_dataset(dataset, policy=policy), dataset), encoding="utf-8")
    return page


@pytest.fixture
def visit(browser):
    """Open a page; when the test ends, nothing may have been requested, run or complained about."""
    contexts, troubles = [], []

    def opened(path: Path, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "request",
            lambda request: (
                None
                if request.url == path.as_uri() or request.url.startswith("data:image/")
                else troubles.append(request.url)
            ),
        )
        page.on("dialog", lambda dialog: (troubles.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def visible_rows(page, code):
    return page.locator("details.group", has=page.locator(".code", has_text=code)).locator("tbody tr")


def test_hostile_names_are_text(visit, hostile):
    page = visit(hostile)
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert page.locator("main img, main script, [onerror], [onfocus]").count() == 0
    text = page.locator("main").inner_text()
    for name in (
        "<script>alert(1)<x>.jpg",
        "{{ 7 * 7 }} ${7 * 7}",
        "<img src=x onerror=alert(4)>",
        r"line\nfeed.jpg",
    ):
        assert name in text
    assert "\u202e" not in page.content()
    page.locator("#search").fill("<img")
    assert page.locator("main img").count() == 0
    page.locator("tbody button.reveal:visible").first.click()
    assert page.locator("main img").count() == 1


def test_pictures_are_revealed_one_by_one(visit, hostile):
    page = visit(hostile)
    assert page.locator("img").count() == 0
    button = page.locator("button.reveal:visible").first
    button.click()
    assert page.locator("img").count() == 1
    assert page.locator("img").evaluate("picture => picture.decode().then(() => picture.naturalWidth)") > 50
    assert button.get_attribute("aria-expanded") == "true"
    button.press("Enter")
    assert page.locator("img").count() == 0


def test_no_pixels_unless_asked(plain, tmp_path):
    assert "data:image" not in plain.read_text(encoding="utf-8")
    save(tmp_path / "a.jpg", 1)
    dataset = data({"a.jpg": {}}, root=str(tmp_path))
    report = check_dataset(dataset)
    assert "data:image" not in render_html(report, dataset)
    assert render_html(report, dataset, thumbnails="hidden").count("data:image/jpeg") == 1


def test_search_and_filter(visit, plain):
    page = visit(plain)
    rows = visible_rows(page, "image-color-mode")
    assert rows.count() == 10
    page.get_by_role("button", name="Show 33").click()
    assert rows.count() == 33
    page.locator("#search").fill("fp007")
    assert rows.count() == 1
    assert page.locator("details.group:visible").count() == 1
    assert "1 findings match" in page.locator("#matches").inner_text()
    page.locator("#search").fill("")
    assert rows.count() == 10
    page.get_by_label("warnings").uncheck()
    assert not page.locator("details.group.warning:visible").count()
    assert page.locator("details.group.note:visible").count()


def test_the_threshold_moves_the_counts(visit, plain):
    page = visit(plain)
    row = page.locator("#confusion tbody tr", has_text="Alcohol")
    cells = row.locator("td")
    assert cells.nth(1).inner_text().startswith("25")
    slider = page.locator("#threshold")
    slider.focus()
    page.keyboard.press("End")
    assert page.locator("#threshold-shown").inner_text() == "100 %"
    assert [cells.nth(n).inner_text().split()[0] for n in range(4)] == ["0", "0", "17", "48"]
    page.get_by_label("test", exact=True).check()
    assert [cells.nth(n).inner_text() for n in range(4)] == ["0", "0", "10", "20"]
    page.keyboard.press("Tab")


def test_the_answer_is_on_the_first_screen(visit, plain):
    page = visit(plain, viewport={"width": 1280, "height": 800})
    headline = page.get_by_role("heading", level=1)
    assert headline.inner_text() == "Ready to train"
    assert page.locator("#labels table tbody tr").first.bounding_box()["y"] < 700


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("which", ["plain", "hostile"])
def test_the_page_never_scrolls_sideways(visit, request, which, width):
    page = visit(request.getfixturevalue(which), viewport={"width": width, "height": 800})
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_reads_without_scripts(browser, plain):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(plain.as_uri())
    assert page.get_by_role("heading", level=1).inner_text() == "Ready to train"
    assert visible_rows(page, "image-color-mode").count() == 10
    assert not page.locator("#search").is_visible()
    context.close()


def test_print_opens_everything(visit, plain):
    page = visit(plain)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0


def test_everything_is_reached_by_keyboard(visit, plain):
    page = visit(plain)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"search", "counting", "threshold", "SUMMARY", "BUTTON"} <= reached


def test_look_alikes_are_revealed_together_and_parted(visit, hostile):
    page = visit(hostile)
    group = page.locator(".alike details").first
    group.evaluate("one => { one.open = true; }")
    group.locator("button.together").click()
    assert group.locator("img").count() == 2
    group.locator("button.together").click()
    assert group.locator("img").count() == 0
    button = group.locator("button.part")
    button.click()
    assert "1 pair is marked." in page.locator("#parted").inner_text()
    saved = unquote(page.locator("#parted a").get_attribute("href")).partition(",")[2]
    (row,) = csv.DictReader(io.StringIO(saved, newline=""))
    assert {row["image"], row["other"]} <= set(HOSTILE)
    assert row["image"] != row["other"]
    button.click()
    assert page.locator("#parted").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["plain", "hostile"])
def test_accessibility(visit, request, which, scheme):
    page = visit(request.getfixturevalue(which), color_scheme=scheme)
    assert violations(page) == []


def test_a_page_of_10_000_images_stays_small():
    count = 10_000
    keys = [f"folder {n % 40}/picture {n:06}.jpg" for n in range(count)]
    images = pd.DataFrame(
        {
            "image": keys,
            "uri": keys,
            **{k: v for k, v in SOUND.items() if k != "mode"},
            **ASKED,
            "mode": "CMYK",
        }
    )
    images = images.assign(
        group=[keys[n // 2 * 2] for n in range(count)], remarks="damaged: much", orientation=6
    )
    labels = pd.DataFrame({"image": keys, "label": "Safe", "source": "table", "truth": True})
    dataset = Dataset.from_tables(images, labels)
    report = check_dataset(dataset)
    assert len(report.findings) > 4000
    assert len(render_html(report, dataset).encode()) < 5_000_000
