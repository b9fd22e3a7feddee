"""The page of an evaluation, with pictures of the data set."""

from __future__ import annotations

import re

import pandas as pd
from PIL import Image

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.images.facts import read_facts
from tests.evaluation.samples import line, manifest
from tests.pictures import save, scene


def test_the_page_shows_both_views_by_name_and_decodes_nothing_out_of_bounds(manifest_tools, tmp_path):
    pictures = tmp_path / "pictures"
    save(pictures / "plain.jpg", 1)
    save(pictures / "changed.jpg", 2)
    colours = Image.merge("RGB", [Image.fromarray(scene(3))] * 3)
    colours.putalpha(Image.fromarray(scene(4)))
    colours.save(pictures / "two.png")
    Image.new("1", (20_000, 20_000)).save(pictures / "bomb.png")
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    names = sorted(path.name for path in pictures.iterdir())
    rows = []
    for name in names:
        facts = read_facts((pictures / name).read_bytes())
        columns = ("bytes", "sha256", "format", "width", "height", "decode_error", "remarks")
        rows.append({"image": name, "uri": name} | {column: getattr(facts, column) for column in columns})
    dataset = Dataset.from_tables(pd.DataFrame(rows), root=str(pictures), destination="s3://acme-mod")
    dataset.save(tmp_path / "out")
    save(pictures / "changed.jpg", 5)
    output = tmp_path / "output.manifest"
    lines = [line(name, ["Alcohol"], {}, {"Alcohol": 90.0}) for name in [*names, "unknown.jpg"]]
    output.write_bytes(manifest(lines))

    done = manifest_tools("evaluate", output, "--data", tmp_path / "out", "--html", tmp_path / "page.html")

    assert done.code == 0, done.err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    shown = re.findall(r'data-image="s3://acme-mod/(\S+)" data-picture="data:[^"]+"( data-both)?', page)
    assert shown == [("plain.jpg", ""), ("two.png", " data-both")]
