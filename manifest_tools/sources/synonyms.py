"""Words that people use for what the taxonomy calls otherwise: suggestions for a person, never read as labels."""

from __future__ import annotations

import re

from manifest_tools.core.taxonomy import Taxonomy

SAFE = "Safe"
_WORDS = {
    SAFE: "accept accepted allow allowed appropriate approve approved clean fine good harmless innocent neutral normal "
    "nothing ok okay pass passed sfw suitable unobjectionable",
    "Alcohol": "alcoholic beer beers booze champagne cocktail cocktails drinking drunk liquor pub rum vodka whiskey "
    "whisky wine wines",
    "Weapons": "ammunition axe firearm firearms grenade gun guns handgun knife knives machete pistol rifle sword "
    "weapon weapons",
    "Violence": "assault beating fight fighting stabbing violent",
    "Blood & Gore": "blood bloody gore gory",
    "Visually Disturbing": "accident carcass corpse corpses cruelty disturbing shocking torture",
    "Swimwear or Underwear": "bikini bikinis bra lingerie panties swimsuit swimsuits swimwear underwear",
    "Non-Explicit Nudity of Intimate parts and Kissing": "cleavage kiss kissing racy sensual suggestive topless",
    "Explicit": "adult explicit genitals naked nsfw nude nudes nudity penis porn pornographic pornography sex sexual "
    "vagina xxx",
    "Drugs & Tobacco": "cannabis cigar cigarette cigarettes cocaine drug drugs heroin joint marijuana narcotics pills "
    "smoke smoker smoking tobacco vape vaping weed",
    "Gambling": "bet bets betting bingo blackjack casino dice gamble lottery poker roulette slots wager",
    "Rude Gestures": "finger gesture gestures rude",
    "Hate Symbols": "extremism extremist hate hateful isis nazi racism racist supremacist swastika",
}
_BY_WORD = {word: label for label, words in _WORDS.items() for word in words.split()}


def synonyms(name: str, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return the labels, or Safe, that the words of a name are other words for; none where one of them says no.

    >>> synonyms("beer bottle", Taxonomy.load()), synonyms("no beer", Taxonomy.load())
    (('Alcohol',), ())
    """
    words = re.findall(r"[^\W\d_]+", name.casefold())
    if says_no(name):
        return ()
    found = dict.fromkeys(_BY_WORD[word] for word in words if word in _BY_WORD)
    labels = [label for label in found if label in taxonomy]
    return tuple(labels or ([SAFE] if SAFE in found else []))


def says_no(name: str) -> bool:
    """Whether a name begins by saying what is not there, or ends so."""
    return bool(re.match(r"(not|no|non|without|never|free of)\b", name.strip().casefold())) or bool(
        re.search(r"[\s:=-](no|not|false|free)$", name.strip().casefold())
    )
