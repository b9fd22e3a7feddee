"""What is said of one copy of a file holds for the others: the same bytes show the same picture."""

from __future__ import annotations

import pandas as pd

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.dataset.ground_truth import PREDICTIONS, judged_column
from manifest_tools.findings.policy import Policy


def share_among_copies(dataset: Dataset, policy: Policy) -> Dataset:
    """Return the data set with labels and the base model's answers given to copies that have none of their own.

    A copy that has labels keeps its own: where copies contradict each other, that is a finding. Each takes from
    the first copy that has some; the history says how many did.

    Parameters
    ----------
    dataset : Dataset
        Inspected, with labels and answers.
    policy : Policy
        For `safe_names`.
    """
    images, labels = dataset.images, dataset.labels
    answers = labels["source"] == PREDICTIONS
    told = set(labels.loc[~answers, "image"])
    from_labels = _givers(images, images["image"].isin(told))
    from_answers = _givers(images, images["predicted"] != "")
    if not from_labels and not from_answers:
        return dataset
    shared = [labels, _given(labels[~answers], from_labels), _given(labels[answers], from_answers)]
    merged = pd.concat(shared, ignore_index=True)
    of = images["image"].map(lambda key: from_answers.get(key, key))
    given = images.set_index("image")[["predicted", "min_confidence", "content_types"]].loc[of]
    images = images.assign(
        predicted=given["predicted"].to_numpy(),
        min_confidence=given["min_confidence"].to_numpy(),
        content_types=given["content_types"].to_numpy(),
        judged=judged_column(images, merged, policy),
    )
    numbers = {"labels": len(from_labels), "answers": len(from_answers)}
    return dataset.step("share-among-copies", images=images, labels=merged, options=numbers)


def _givers(images: pd.DataFrame, has_some: pd.Series[bool]) -> dict[str, str]:
    """Return for each copy that has nothing the first copy that has something."""
    known = images[images["sha256"] != ""]
    givers = known[has_some[known.index]].drop_duplicates("sha256").set_index("sha256")["image"]
    takers = known[~has_some[known.index] & known["sha256"].isin(givers.index)]
    return dict(zip(takers["image"], takers["sha256"].map(givers), strict=True))


def _given(rows: pd.DataFrame, givers: dict[str, str]) -> pd.DataFrame:
    """Return the rows of the givers, as rows of those who take."""
    pairs = pd.DataFrame({"image": list(givers.values()), "taker": list(givers)}, dtype="str")
    taken = rows.merge(pairs, on="image")
    return taken.assign(image=taken["taker"])[list(rows.columns)]
