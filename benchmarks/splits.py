"""Compare splits: balance, leaks and time beside other splitters, in one run.

    python benchmarks/splits.py                    # synthetic data, 10,000 and 100,000 rows
    python benchmarks/splits.py --rows 1000000     # the large ones
    python benchmarks/splits.py --data FOLDER      # and every label matrix (*.npz, scipy sparse) in a folder
    python benchmarks/splits.py --without swaps    # what the solver loses without one of its stages

A splitter that is not installed is skipped with one line. Times are processor seconds, the median over seeds.
"""

# ruff: noqa: ARG001, ARG005, PLC0415, SLF001 - every splitter is called alike; a peer is imported only where it is installed

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy import sparse

from manifest_tools.splits import error_diffusion, local_search, solver
from manifest_tools.splits.measures import (
    count_deviation,
    groups_across,
    label_distribution,
    label_pair_distribution,
    rounding_floor,
)
from manifest_tools.splits.model_selection import MultilabelStratifiedGroupSplit

SHARE = 0.2
HEAD = (
    f"{'data':22s} {'splitter':22s} {'size':>6s} {'floor':>6s} {'mean':>8s} {'worst':>8s} "
    f"{'LD':>8s} {'LPD':>8s} {'missing':>7s} {'across':>6s} {'s':>8s} {'times':>6s}"
)


# Stage -> where its function is, and what stands in for it.
STAGES: dict[str, tuple[object, str, Callable]] = {
    "pairs of large groups": (error_diffusion._Diffusion, "settle", lambda self, n: None),
    "swaps": (solver, "swap_to_bounds", lambda problem, chosen: chosen),
    "local search": (local_search.LocalSearch, "descend", lambda self: None),
    "tabu search": (local_search.LocalSearch, "walk", lambda self: None),
    "proof": (solver, "is_small", lambda problem: False),
}


def ours(y, groups, seed):
    return next(MultilabelStratifiedGroupSplit(test_size=SHARE, random_state=seed).split(y, y, groups))[1]


def ours_both_sides(y, groups, seed):
    splitter = MultilabelStratifiedGroupSplit(test_size=SHARE, both_sides=True, random_state=seed)
    return next(splitter.split(y, y, groups))[1]


def at_random(y, groups, seed):
    names = np.arange(y.shape[0]) if groups is None else groups
    order = np.random.default_rng(seed).permutation(np.unique(names))
    sizes = dict(zip(*np.unique(names, return_counts=True), strict=True))
    total = np.cumsum([sizes[name] for name in order])
    return np.flatnonzero(np.isin(names, order[total <= SHARE * y.shape[0]]))


def iterative_stratification(y, groups, seed):
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=SHARE, random_state=seed)
    return next(splitter.split(np.zeros((y.shape[0], 1)), y.toarray()))[1]


def scikit_multilearn(y, groups, seed):
    from skmultilearn.model_selection import IterativeStratification

    np.random.seed(seed)  # noqa: NPY002 - the splitter draws from numpy's global state
    splitter = IterativeStratification(n_splits=2, order=2, sample_distribution_per_fold=[SHARE, 1 - SHARE])
    return next(splitter.split(np.zeros((y.shape[0], 1)), y.toarray()))[1]


def stratified_group_kfold(y, groups, seed):
    from sklearn.model_selection import StratifiedGroupKFold

    sets = np.unique(y.toarray(), axis=0, return_inverse=True)[1]
    splitter = StratifiedGroupKFold(n_splits=round(1 / SHARE), shuffle=True, random_state=seed)
    return next(splitter.split(np.zeros((y.shape[0], 1)), sets, groups))[1]


# Splitter, the module it needs, the most ones in y that it is run on, and whether it knows groups.
PEERS: list[tuple[str, Callable, str, int, bool]] = [
    ("manifest_tools", ours, "", 10**9, True),
    ("  both_sides=True", ours_both_sides, "", 10**9, True),
    ("iterative-stratif.", iterative_stratification, "iterstrat", 10**9, False),
    ("scikit-multilearn o2", scikit_multilearn, "skmultilearn", 6_000, False),
    ("StratifiedGroupKFold", stratified_group_kfold, "sklearn", 20_000, True),
    ("random", at_random, "", 10**9, True),
]


def long_tail(rows: int, labels: int, *, grouped: bool) -> tuple[sparse.csr_array, np.ndarray | None]:
    """Make half of the rows free of labels, the others with parents and their children, ever rarer."""
    rng = np.random.default_rng(0)
    parents = labels // 4
    y = np.zeros((rows, labels), np.uint8)
    labelled = rng.random(rows) < 0.5
    for column in range(labels):
        if column < parents:
            y[:, column] = labelled & (rng.random(rows) < 0.25 / (1 + column))
        else:
            parent = y[:, (column - parents) % parents]
            y[:, column] = parent & (rng.random(rows) < 0.5 / (1 + (column - parents) // parents))
    if not grouped:
        return sparse.csr_array(y), None
    # Look-alikes: mostly pairs and threes, some hundreds; a copy in seven has labels of its own.
    sizes = np.minimum(rng.zipf(2.2, rows), 400)
    groups = np.repeat(np.arange(rows), sizes)[:rows]
    copied = np.searchsorted(groups, groups)
    y = np.where((rng.random(rows) < 0.15)[:, None], y, y[copied])
    order = rng.permutation(rows)
    return sparse.csr_array(y[order]), groups[order]


def data_sets(
    folder: Path | None, rows: list[int]
) -> Iterator[tuple[str, sparse.csr_array, np.ndarray | None]]:
    for path in sorted(folder.glob("*.npz")) if folder else []:
        yield path.stem, sparse.csr_array(sparse.load_npz(path)), None
    for n in rows:
        for labels, grouped in ((30, False), (60, False), (30, True)):
            yield f"tail {n:,}x{labels}{' groups' if grouped else ''}", *long_tail(n, labels, grouped=grouped)


def measure(name: str, y: sparse.csr_array, groups: np.ndarray | None, seeds: int) -> None:
    floor = rounding_floor(y, SHARE).mean()
    totals = y.sum(axis=0)
    rare = ((totals >= 2) & (totals * SHARE < 0.5)).any()  # else both_sides changes nothing
    seconds = {}
    for peer, split, module, most, knows_groups in PEERS:
        if y.nnz > most or (module and importlib.util.find_spec(module) is None):
            continue
        if (groups is not None) != knows_groups and peer not in {
            "manifest_tools",
            "  both_sides=True",
            "random",
        }:
            continue
        if split is ours_both_sides and not rare:
            continue
        found = []
        for seed in range(seeds if y.shape[0] < 50_000 else min(seeds, 3)):
            start = time.process_time()
            test = np.isin(np.arange(y.shape[0]), split(y, groups, seed))
            spent = time.process_time() - start
            deviation = count_deviation(y, test, SHARE)
            counts = y[test].sum(axis=0)
            missing = ((totals >= 2) & ((counts == 0) | (counts == totals))).sum()
            across = 0 if groups is None else groups_across(groups, test)
            found.append(
                (
                    test.sum() - SHARE * y.shape[0],
                    floor,
                    deviation.mean(),
                    deviation.max(),
                    label_distribution(y, test),
                    label_pair_distribution(y, test),
                    missing,
                    across,
                    spent,
                )
            )
        row = np.median(np.array(found), axis=0)
        row[0] = max((entry[0] for entry in found), key=abs)
        seconds[peer] = row[-1]
        print(
            f"{name:22s} {peer:22s} {row[0]:6.1f} {row[1]:6.3f} {row[2]:8.3f} {row[3]:8.2f} {row[4]:8.1e} "
            f"{row[5]:8.1e} {row[6]:7.0f} {row[7]:6.0f} {row[8]:8.3f} {row[8] / seconds['manifest_tools']:6.1f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with label matrices, *.npz")
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--seeds", type=int, default=11)
    parser.add_argument("--without", choices=STAGES, help="a stage of the solver")
    options = parser.parse_args()
    if options.without:
        setattr(*STAGES[options.without])
    warnings.simplefilter("ignore")  # of the peers
    for _, _, module, _, _ in PEERS:
        if module and importlib.util.find_spec(module) is None:
            print(f"{module} is not installed: skipped")
    print("size: test rows too many (the worst seed); mean, worst: count deviation; times: as long as ours")
    print(HEAD)
    for name, y, groups in data_sets(options.data, options.rows):
        measure(name, y, groups, options.seeds)


if __name__ == "__main__":
    main()
