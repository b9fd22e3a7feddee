"""Write predictions.manifest: what a base model might have said of the sample pictures.

No model was asked. The answers are made up: a person looked at the pictures and wrote down
which mistakes a moderation model would plausibly make with them (a soft drink taken for
beer, a drill for a pistol). The layout is that of a finished bulk analysis job. Confidences
are derived from the file name, so the same pictures give the same bytes.

    python sample_data/make_predictions.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
DESTINATION = "s3://example-bucket/demo/"

#: Files that no service could have read as an image.
UNREADABLE = frozenset({"uploads/IMG_0412.jpg", "uploads/notes.png", "uploads/poster.jpg"})

#: Ancestors, topmost first, of the labels used below.
PARENTS = {
    "Alcoholic Beverages": ("Alcohol",),
    "Weapons": ("Violence",),
    "Pills": ("Drugs & Tobacco", "Products"),
    "Smoking": ("Drugs & Tobacco", "Drugs & Tobacco Paraphernalia & Use"),
}

#: label, range of confidence, files.
ANSWERS: tuple[tuple[str, tuple[float, float], str], ...] = (
    # Right: there is a drink, a weapon, a game, a smoke in the picture.
    (
        "Alcoholic Beverages",
        (82, 99.9),
        """
        bar/beer mug.jpg
        bar/beer with foam.png
        bar/six cans of beer.jpg
        bar/red wine bottle and glass.jpg
        bar/green wine bottle.jpg
        bar/tipping wine glass.png
        bar/rosé.jpg
        bar/cocktail.png
        bar/friends at the bar.png
        party/poker night.jpg
        party/high stakes.jpg
        party/pub corner.jpg
        party/cigar lounge.jpg
        party/saloon.jpg
        uploads/beer mug small.png
        """,
    ),
    (
        "Weapons",
        (75, 99.9),
        """
        party/duel at cards.jpg
        party/saloon.jpg
        weapons/blue pistol.jpg
        weapons/bomb.jpg
        weapons/combat knife.jpg
        weapons/hand grenade.png
        weapons/katana.jpg
        weapons/longsword.jpg
        weapons/pistol.jpg
        weapons/rifle.png
        """,
    ),
    (
        "Gambling",
        (70, 99.9),
        """
        games/ace of spades.jpg
        games/casino sign.png
        games/die.jpg
        games/four aces.png
        games/king of hearts.png
        games/pack of cards.jpg
        games/ten of diamonds.jpg
        games/two red dice.png
        party/duel at cards.jpg
        party/high stakes.jpg
        party/poker night.jpg
        uploads/dice from the forum.png
        """,
    ),
    (
        "Smoking",
        (72, 99.9),
        """
        party/cigar lounge.jpg
        party/pub corner.jpg
        smoking/cigar.jpg
        smoking/cigarette.jpg
        smoking/man with cigarette.jpg
        smoking/smoking area sign.png
        """,
    ),
    # Wrong: nothing of the kind is in the picture.
    (
        "Alcoholic Beverages",
        (51, 92),
        """
        café/café noir.jpg
        café/coffee.jpg
        café/coffee maker.png
        café/coffee mug.png
        café/glass of tea.jpg
        café/green mug of tea.jpg
        café/red cup.jpg
        café/steaming cup.jpg
        café/tea set.jpg
        drinks/apple juice box.jpg
        drinks/baby bottle.png
        drinks/bottled drink.jpg
        drinks/glass of water.jpg
        drinks/iced water.jpg
        drinks/lemonade cup.png
        drinks/lemonade with straw.jpg
        drinks/milk carton.jpg
        drinks/mug.jpg
        drinks/mug with a face.jpg
        drinks/orange juice.jpg
        drinks/orange juice box.png
        drinks/pop can.jpg
        drinks/red punch.jpg
        drinks/soft drink.jpg
        drinks/soft drink pictogram.png
        drinks/tumbler with ice.jpg
        drinks/yellow cup.jpg
        food/grapes.jpg
        photos/espresso.jpg
        science/blue flask.jpg
        science/bubbling flask.jpg
        science/green experiment.jpg
        science/hand lotion.png
        tools/hurricane lamp.jpg
        uploads/soft drink (1).jpg
        """,
    ),
    (
        "Weapons",
        (52, 85),
        """
        science/syringe.jpg
        tools/axe.jpg
        tools/claw hammer.jpg
        tools/cordless drill.jpg
        tools/scissors.png
        """,
    ),
    (
        "Gambling",
        (52, 85),
        """
        games/billiard balls.jpg
        games/dartboard.jpg
        games/eight ball.png
        photos/old coins.jpg
        """,
    ),
    (
        "Smoking",
        (60, 90),
        """
        smoking/no smoking.png
        smoking/no smoking sign.png
        """,
    ),
    ("Pills", (55, 90), "science/vitamins.jpg"),
    (
        "Rude Gestures",
        (51, 75),
        """
        people/finger with ribbon.jpg
        people/left hand print.png
        """,
    ),
    # Nobody looked for this label: the table neither uses it nor calls the picture safe.
    ("Hate Symbols", (79, 81), "weapons/throwing star.png"),
    # Faint: below the usual threshold of 50.
    (
        "Alcoholic Beverages",
        (6, 40),
        """
        bar/hotel bar sign.png
        bar/martini.jpg
        café/teacup.png
        café/teapot.jpg
        drinks/electric kettle.jpg
        drinks/ice cube.png
        science/test tube.png
        """,
    ),
    (
        "Weapons",
        (6, 45),
        """
        tools/handsaw.jpg
        weapons/mortar.jpg
        weapons/short sword.png
        """,
    ),
    ("Gambling", (8, 45), "games/joker.png"),
    ("Smoking", (8, 45), "smoking/pipe.jpg"),
    ("Pills", (8, 45), "science/pill jar.jpg"),
)


def confidence(image: str, label: str, low: float, high: float) -> float:
    """Return a number between `low` and `high` that depends on nothing but the names."""
    digest = hashlib.sha256(f"{image}\n{label}".encode()).digest()
    return round(low + (high - low) * int.from_bytes(digest[:4]) / 2**32, 4)


def answers() -> dict[str, list[dict[str, object]]]:
    """Return the moderation labels of each image, parents before children."""
    found: dict[str, list[dict[str, object]]] = {}
    for label, (low, high), files in ANSWERS:
        for image in filter(None, map(str.strip, files.splitlines())):
            score = confidence(image, label, low, high)
            chain = (*PARENTS.get(label, ()), label)
            for level, (name, parent) in enumerate(zip(chain, ("", *chain), strict=False), 1):
                found.setdefault(image, []).append(
                    {
                        "Confidence": score,
                        "Name": name,
                        "ParentName": parent,
                        "TaxonomyLevel": level,
                    }
                )
    return found


def lines(images: list[str]) -> list[str]:
    """Return one line of a bulk analysis manifest for each image."""
    said = answers()
    strangers = sorted(set(said) - set(images))
    if strangers:
        raise SystemExit(f"no such picture: {', '.join(strangers)}")
    written = []
    for image in images:
        drawn = [] if image.startswith("photos/") else [{"Confidence": 99.5, "Name": "Illustrated"}]
        answer = {
            "ModerationLabels": said.get(image, []),
            "ModerationModelVersion": "7.0",
            "ContentTypes": drawn,
        }
        line = {"source-ref": DESTINATION + image, "detect-moderation-labels": answer}
        written.append(json.dumps(line, ensure_ascii=False))
    return written


def main() -> None:
    """Write the manifest beside this script."""
    root = HERE / "images"
    files = (path for path in root.rglob("*") if path.is_file() and path.name[0] != ".")
    images = sorted({path.relative_to(root).as_posix() for path in files} - UNREADABLE)
    text = "".join(line + "\n" for line in lines(images))
    (HERE / "predictions.manifest").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
