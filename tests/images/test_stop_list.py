"""Stop lists: what is read as a hash, and which pictures are on one."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random

import numpy as np
import pytest
from PIL import Image, ImageOps

from manifest_tools.core.errors import InputError
from manifest_tools.images.cache import FactsCache, default_folder
from manifest_tools.images.inspection import inspect_images
from manifest_tools.images.stop_list.hashes import hash_content
from manifest_tools.images.stop_list.reading import read_stop_list
from manifest_tools.images.stop_list.screening import content_on_list
from manifest_tools.images.stop_list.stop_list import STOPPED
from tests.images.samples import encoded, photograph
from tests.pictures import save

DATA = encoded(photograph(320, 240, 1))
MD5, SHA1, SHA256 = (getattr(hashlib, name)(DATA).hexdigest() for name in ("md5", "sha1", "sha256"))
PDQ = hash_content(DATA, {"pdq"}).pdq[:64]
OTHER = encoded(photograph(320, 240, 2))


@pytest.mark.parametrize(
    "text",
    [
        MD5,
        f"{SHA1}\n",
        SHA256.upper() + "\r\n",
        f"\ufeff{MD5}\n{'0' * 32}\n",
        f"# known\n\n{MD5}  a name, with a comma.jpg\n",
        f"{MD5} *name.jpg\n",
        f"sha-256: {SHA256}\n",
        f"pdq={PDQ}\n",
        f"{'0' * 40}\n{MD5}\n",
        f"id,md5,sha1\n7,{MD5},\n8,,{'1' * 40}\n",
        f"{MD5},2021-01-01\n",
        f"\nSHA-1\n{SHA1}\n",
        f'"name";"SHA1"\n"x";"{SHA1}"\n',
        f"type\tvalue\nHASH_SHA256\t{SHA256}\n",
        f"hash,quality\n{PDQ},100\n",
        json.dumps({"value": [{"MediaID": 7, "MD5": MD5.upper(), "Category": 1}]}),
        json.dumps([{"indicator": PDQ, "type": "pdq"}]),
        json.dumps({"hashes": {"sha256": [SHA256]}}),
        json.dumps([MD5]),
        json.dumps({"signal_type": "md5", "hash": MD5}) + "\n" + json.dumps({"signal_type": "md5"}) + "\n",
    ],
)  # fmt: skip
def test_forms_that_are_read(tmp_path, text):
    (tmp_path / "list").write_text(text, encoding="utf-8", newline="")
    known = read_stop_list([tmp_path / "list"])
    assert content_on_list(DATA, known) == SHA256
    assert not content_on_list(OTHER, known)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no hash"),
        ("# nothing\n", "holds no hash"),
        (f"{MD5}\nrubbish\n", "line 2: 'rubbish' is no hash"),
        (f"{MD5}\n{MD5[:-1]}\n", "line 2"),
        (f"{MD5}\nmd5\n", "line 2: 'md5' is no hash"),
        (f"md5\n{SHA1}\n", "expected 32 hex digits"),
        (f"md5:{SHA1}\n", "expected 32 hex digits"),
        ("name,md5\nx,12\n", "row 2"),
        ("name,size\nx,12\n", "holds no hash"),
        ("{}", "holds no hash"),
        ('{"md5": ', "neither JSON nor JSON Lines"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path, text, said):
    (tmp_path / "list").write_text(text)
    with pytest.raises(InputError, match=said):
        read_stop_list([tmp_path / "list"])


def test_a_list_that_is_gone_is_refused_and_none_lets_go(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_stop_list([tmp_path / "absent"])
    assert read_stop_list(["none"]) is None
    assert read_stop_list([]) is None


def test_sixty_four_digits_are_told_apart_by_their_bits(tmp_path):
    digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(200)]
    (tmp_path / "sha").write_text("\n".join(digests))
    assert read_stop_list([tmp_path / "sha"]).told() == "200 SHA-256"
    half = random.Random(1)
    pdq = ["".join(half.sample("01" * 128, 256)) for _ in range(50)]
    (tmp_path / "pdq").write_text("\n".join(f"{int(bits, 2):064x}" for bits in pdq))
    assert read_stop_list([tmp_path / "pdq"]).told() == "50 PDQ"
    (tmp_path / "one").write_text(PDQ)
    assert read_stop_list([tmp_path / "one"]).told() == "1 SHA-256, 1 PDQ"
    assert read_stop_list([f"sha256:{tmp_path / 'one'}"]).told() == "1 SHA-256"
    assert read_stop_list([f"pdq:{tmp_path / 'sha'}"]).told() == "200 PDQ"


def test_of_several_hashes_of_one_file_the_one_that_costs_least_is_looked_up(tmp_path):
    rows = {"md5": MD5, "SHA-1": SHA1, "sha256_hash": SHA256, "pdq": PDQ}
    for names, told in (
        (rows, "1 SHA-256, 1 PDQ"),
        (("md5", "SHA-1"), "1 SHA-1"),
        (("md5",), "1 MD5"),
    ):
        chosen = {name: rows[name] for name in names}
        (tmp_path / "list").write_text(json.dumps(chosen))
        assert read_stop_list([tmp_path / "list"]).told() == told
        (tmp_path / "list").write_text(f"{','.join(chosen)}\n{','.join(chosen.values())}\n")
        assert read_stop_list([tmp_path / "list"]).told() == told
    other = {"md5": MD5, "parent_sha256": "1" * 64, "sha1": ""}  # of another file, and of none
    (tmp_path / "list").write_text(json.dumps(other))
    assert read_stop_list([f"sha256:{tmp_path / 'list'}"]).told() == "1 MD5, 1 SHA-256"


def test_hashes_of_low_quality_are_passed_over(tmp_path):
    (tmp_path / "list.csv").write_text(f"pdq,quality\n{PDQ},49\n{'0' * 64},50\n")
    assert not content_on_list(DATA, read_stop_list([tmp_path / "list.csv"]))


@pytest.mark.parametrize("turn", range(8))
def test_near_copies_in_every_orientation(tmp_path, turn):
    (tmp_path / "list").write_text(f"pdq:{PDQ}\n")
    known = read_stop_list([tmp_path / "list"])
    picture = Image.open(io.BytesIO(DATA)).resize((200, 150))
    picture = (ImageOps.mirror(picture) if turn >= 4 else picture).rotate(90 * (turn % 4), expand=True)
    assert content_on_list(encoded(picture, quality=60), known)
    assert content_on_list(encoded(picture, "WEBP"), known)


def test_flat_and_broken_pictures_have_no_hash_of_pixels(tmp_path):
    flat = encoded(Image.new("RGB", (300, 300), "grey"))
    assert hash_content(flat, {"pdq"}).pdq == ""
    assert hash_content(b"no picture", {"pdq"}).pdq == ""
    assert hash_content(DATA[:200], {"pdq", "md5"}).cover({"pdq", "md5"})


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(
    "line", [f"{MD5}", f"{SHA1}", f"sha256:{SHA256}", f"pdq:{PDQ}"], ids=["md5", "sha1", "sha256", "pdq"]
)
def test_inspection_keeps_nothing_that_shows_a_stopped_picture(tmp_path, cached, line):
    save(tmp_path / "photos" / "innocent.jpg", 3)
    (tmp_path / "photos" / "known.jpg").write_bytes(DATA)
    (tmp_path / "list").write_text(line)
    if cached:
        inspect_images(tmp_path / "photos", workers=1)
    known = read_stop_list([tmp_path / "list"])
    for _ in range(2):  # the second time from the cache
        done = inspect_images(tmp_path / "photos", workers=1, stop_list=known)
        innocent, stopped = (done.image(name) for name in ("innocent.jpg", "known.jpg"))
        assert innocent["decode_error"] == "" != innocent["sketch"]
        assert stopped["decode_error"].startswith(STOPPED)
        assert stopped["sha256"] == SHA256
        assert not any(stopped[name] for name in ("phash", "views", "sketch", "format", "width", "remarks"))
        assert done.stop_list == (str(tmp_path / "list"),)
    for file in default_folder().glob("*"):
        assert SHA256.encode() not in file.read_bytes()


def test_a_new_list_reads_no_file_whose_hashes_are_known(tmp_path):
    path = save(tmp_path / "photos" / "a.png", 3)

    os.utime(path, (1e9, 1e9))
    (tmp_path / "list").write_text("0" * 32)
    inspect_images(tmp_path / "photos", workers=1, stop_list=read_stop_list([tmp_path / "list"]))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with FactsCache(default_folder(), "") as cache:
        assert cache.hashes(sha256).cover({"md5"})
        assert not cache.hashes(sha256).cover({"md5", "sha1"})
    (tmp_path / "list").write_text(hashlib.md5(path.read_bytes()).hexdigest())
    done = inspect_images(tmp_path / "photos", workers=1, stop_list=read_stop_list([tmp_path / "list"]))
    assert done.image("a.png")["decode_error"].startswith(STOPPED)


def test_quick_looks_compare_bytes_and_refuse_pixels(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "known.jpg").write_bytes(DATA)
    (tmp_path / "list").write_text(MD5)
    done = inspect_images(tmp_path / "photos", quick=True, stop_list=read_stop_list([tmp_path / "list"]))
    assert done.image("known.jpg")["decode_error"].startswith(STOPPED)
    (tmp_path / "list").write_text(f"pdq:{PDQ}")
    with pytest.raises(InputError, match="leave out --quick"):
        inspect_images(tmp_path / "photos", quick=True, stop_list=read_stop_list([tmp_path / "list"]))


def test_a_million_hashes_are_looked_up_at_once(tmp_path):
    raw = np.random.default_rng(1).bytes(20 * 1_000_000).hex()
    lines = [raw[at : at + 40] for at in range(0, len(raw), 40)]
    (tmp_path / "list").write_text("\n".join([*lines, SHA1]))
    known = read_stop_list([tmp_path / "list"])
    assert len(known) == 1_000_001
    assert content_on_list(DATA, known)
    assert not content_on_list(OTHER, known)
