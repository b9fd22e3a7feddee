"""What a call costs: as the caller says, as the account's price list says, or as a dated table says."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from manifest_tools.core.resources import load_json

SERVICE: Final = "AmazonRekognition"
_ADAPTER_WORDS: Final = ("custom", "adapter")


class Price(NamedTuple):
    """The price of a thousand calls, in US dollars or what the caller meant; `origin` says whose word it is."""

    thousand: float
    origin: str


def price_of_calls(
    region: str, *, adapter: bool = False, given: float | None = None, client: Any = None
) -> Price | None:
    """Return what a thousand calls of DetectModerationLabels cost; None where nobody says.

    Parameters
    ----------
    region : str
    adapter : bool
        Whether an adapter answers, not the base model.
    given : float, optional
        The price of a thousand, as the caller knows it; goes before everything else.
    client : boto3 client, optional
        For the account's price list; passed over when it may not be read, or does not answer plainly.
    """
    if given is not None:
        return Price(given, "by --price")
    listed = None if client is None else _listed(client, region, adapter=adapter)
    if listed is not None:
        return Price(1000 * listed, "USD, by the account's price list, for the first images of a month")
    table = load_json("prices.json")
    known = table["adapter" if adapter else "base_model"]
    if region not in known["usd"]:
        return None
    note = f"USD, by a price of {known['date']}, for the first million of a month; check {table['authority']}"
    return Price(1000 * known["usd"][region], note)


def _listed(client: Any, region: str, *, adapter: bool) -> float | None:
    """Return the price of a call by the price list, when there is just one that can be meant."""
    found: set[float] = set()
    token: dict[str, str] = {}
    region_only = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}]
    try:
        while True:
            answer = client.get_products(ServiceCode=SERVICE, Filters=region_only, **token)
            for text in answer["PriceList"]:
                product = json.loads(text)
                if _is_meant(product["product"]["attributes"], adapter=adapter):
                    found |= set(_first_tiers(product))
            if not answer.get("NextToken"):
                break
            token = {"NextToken": answer["NextToken"]}
    except (BotoCoreError, ClientError, KeyError, TypeError, ValueError, AttributeError):
        return None
    return found.pop() if len(found) == 1 else None


def _is_meant(attributes: dict[str, str], *, adapter: bool) -> bool:
    words = " ".join(map(str, attributes.values())).lower().replace(" ", "")
    return (
        "moderationlabels" in words
        and "video" not in words
        and adapter == any(w in words for w in _ADAPTER_WORDS)
    )


def _first_tiers(product: dict[str, Any]) -> list[float]:
    """Return the prices of the first unit, by each offer of a product, that are more than nothing."""
    dimensions = [
        dimension
        for offer in product["terms"]["OnDemand"].values()
        for dimension in offer["priceDimensions"].values()
        if float(dimension.get("beginRange", 0)) == 0
    ]
    prices = [float(dimension["pricePerUnit"]["USD"]) for dimension in dimensions]
    return [price for price in prices if price > 0]
