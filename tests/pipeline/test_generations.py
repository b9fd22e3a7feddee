"""Files of two runs never count together: whoever looks at a folder whose writer was killed puts the rest in place first."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from manifest_tools import check_dataset, write_manifests
from manifest_tools.dataset.dataset import Dataset
from manifest_tools.reports import write_report
from tests.cli.running import run

ALL = ["dataset/dataset.json", "dataset/images.parquet", "dataset/labels.parquet", "findings.jsonl", "report.html",
       "report.json", "test.manifest", "train.manifest"]  # fmt: skip
READERS = {
    "validate": ["validate", "out/test.manifest"],
    "convert MANIFEST": ["convert", "out/train.manifest", "list.manifest", "--kind", "image-list"],
    "check A B": ["check", "out/train.manifest", "out/test.manifest"],
    "split MANIFEST": ["split", "out/train.manifest", "--out", "sides"],
    "diff A B": ["diff", "out/train.manifest", "out/test.manifest"],
    "check DIR": ["check", "out"],
    "convert DIR": ["convert", "out", "labels.csv"],
    "select": ["select", "out", "--limit", "4", "--out", "chosen"],
    "review": ["review", "out", "--export", "sheet.csv"],
    "publish": ["publish", "out", "--dry-run"],
    "train": ["train", "out", "--project", "p", "--region", "us-east-1", "--dry-run"],
    "evaluate": ["evaluate", "out/train.manifest", "out/test.manifest"],
    "predict": ["predict", "out", "--dry-run"],
    "forget": ["forget", "x.jpg", "--from", "out", "--dry-run"],
}


@pytest.fixture(scope="module")
def generations(tmp_path_factory):
    """Two folders that differ in every file: the sides are swapped."""
    names = [f"{number}.jpg" for number in range(8)]
    labels = pd.DataFrame({"image": names[::2], "label": "Alcohol", "source": "table", "truth": True})
    folders = []
    for test in (names[:4], names[4:]):
        images = pd.DataFrame({"image": names, "uri": names, "judged": "all", "format": "JPEG", "bytes": 5})
        images = images.assign(width=640, height=480, sha256=[f"{number}" * 64 for number in range(8)])
        images["split"] = ["test" if name in test else "train" for name in names]
        dataset = Dataset.from_tables(images, labels, root="/images", destination="s3://pictures/in")
        dataset = dataset.step("split", options={"seed": len(folders)})
        folder = tmp_path_factory.mktemp("generation")
        write_manifests(dataset, folder)
        write_report(check_dataset(dataset), folder, dataset=dataset)
        dataset.save(folder)
        folders.append(folder)
    return folders


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("reader", READERS)
def test_what_a_killed_run_did_not_put_in_place_is_put_there_by_who_reads_it(
    generations, tmp_path, capsys, monkeypatch, reader
):
    old, new = map(contents, generations)
    assert sorted(old) == ALL
    assert {name for name in ALL if old[name] == new[name]} <= {"dataset/labels.parquet", "findings.jsonl"}
    monkeypatch.chdir(tmp_path)
    for moved in (0, 5):
        out = shutil.copytree(generations[0], tmp_path / "out")
        committed = shutil.copytree(generations[1], out / ".manifest-tools-committed")
        for name in sorted(ALL, reverse=True)[:moved]:
            (committed / name).replace(out / name)
        done = run(capsys, monkeypatch, *READERS[reader])
        assert done.code in (0, 1, 2)
        assert contents(out) == new
        shutil.rmtree(out)
