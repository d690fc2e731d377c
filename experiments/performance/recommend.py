"""Twenty items for each of a million customers: seconds beside implicit, and memory of a stream to Parquet.

``python experiments/performance/recommend.py [--customers 1000000]`` makes random factors and pasts, takes
the best unseen items in five ways in one process, streams all lists to a file in another, and writes down.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from measured import HERE, machine_text, resources

ITEMS, FACTORS, SEEN, K, BLOCK = 10_000, 64, 50, 20, 1_000
SAME = 2_000  # customers whose lists are compared between the contenders
PRODUCT, OURS = "matrix product alone", "crm_ml"
NARROW = "crm_ml, vectors of 8 numbers"
IMPLICIT, UNLIMITED = "implicit, one BLAS thread", "implicit as installed"
HEADER = ("contender", "CPU s", "to the matrix product")
TARGETS = ("target", "figure", "verdict")
MOST, LEAST, LARGEST_GB = 1.6, 2.5, 1.0


def main() -> None:
    """Measure all and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--readme", type=Path, default=HERE / "README.md", help="whose table is rewritten")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        name, folder = options.run
        {"load": load, "stream": stream}[name](Path(folder))
        return
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), options.customers)
        seconds = compare(Path(folder), options.customers)
        environment = {"OMP_NUM_THREADS": "2"}
        runs = {
            name: resources(__file__, ["--run", name, folder], environment) for name in ("load", "stream")
        }
        size = (Path(folder) / "items.parquet").stat().st_size / 1e9
    _report(options.readme, options.customers, seconds, runs | {"file": {"gb": size}})


def make(folder: Path, customers: int) -> None:
    """Write a model of random factors in the files of the package."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from scipy.sparse import csr_array

    from crm_ml.recommend import ALS

    rng = np.random.default_rng(0)
    ids = np.char.add("c", np.char.zfill(np.arange(customers).astype(str), 8))
    seen = np.sort(
        rng.integers(0, ITEMS // SEEN, (customers, SEEN)) + ITEMS // SEEN * np.arange(SEEN), axis=1
    )
    starts = np.arange(customers + 1) * SEEN
    shape = (customers, ITEMS)
    model = ALS(factors=FACTORS)
    fitted = {
        "learned_from_": "random numbers",
        "integers_": np.zeros(2, dtype=np.bool_),
        "customers_": ids.astype(object),
        "items_": np.char.add("i", np.char.zfill(np.arange(ITEMS).astype(str), 5)).astype(object),
        "popularity_": rng.random(ITEMS),
        "seen_": csr_array((np.ones(seen.size), seen.ravel().astype(np.int32), starts), shape=shape),
        "customer_factors_": rng.normal(size=(customers, FACTORS)).astype(np.float32),
        "item_factors_": rng.normal(size=(ITEMS, FACTORS)).astype(np.float32),
    }
    for name, value in fitted.items():
        setattr(model, name, value)
    (folder / "model").mkdir()
    model.save(folder / "model")
    pq.write_table(pa.table({"customer_id": ids}), folder / "people.parquet")


def compare(folder: Path, customers: int) -> dict[str, float]:
    """Return the CPU seconds of each contender; the lists of the first customers must be equal."""
    from threadpoolctl import threadpool_limits

    from crm_ml.recommend import product_kernels
    from crm_ml.recommend.deterministic_matmul import packed

    model = _model(folder)
    narrow = copy(model)
    narrow._packed = packed(narrow.item_factors_, product_kernels.NARROW)
    users, items = model.customer_factors_, model.item_factors_

    def product() -> None:
        for start in range(0, customers, BLOCK):
            users[start : start + BLOCK] @ items.T

    def ours(fitted: Any) -> Any:
        serving = fitted.serving(K, exclude_seen=True)
        return np.concatenate([lists.items for lists in serving.blocks(fitted.customers_)])

    seconds, lists = {}, {}
    contenders: dict[str, tuple[Callable[[], Any], int | None]] = {
        PRODUCT: (product, 1),
        OURS: (lambda: ours(model), 1),
        NARROW: (lambda: ours(narrow), 1),
        IMPLICIT: (lambda: _implicit(model, customers), 1),
        UNLIMITED: (lambda: _implicit(model, customers), None),
    }
    for fitted in (model, narrow):  # compiled before the clock runs
        fitted.top(fitted.customers_[:10], K)
    for name, (run, threads) in contenders.items():
        with threadpool_limits(threads, "blas"):
            started = time.process_time()
            lists[name] = run()
            seconds[name] = time.process_time() - started
        print(f"{name}: {seconds[name]:.1f} s", file=sys.stderr)
    same = (lists[OURS][:SAME] == lists[IMPLICIT][:SAME]).mean()
    assert same > 0.999, f"only {same:.2%} of places agree"  # sums of another order swap near ties
    assert (lists[OURS] == lists[NARROW]).all(), "the kernels give other lists"
    return seconds


def load(folder: Path) -> None:
    """Load the model and do nothing: the memory that a stream stands upon."""
    serving = _model(folder).serving(K)
    list(serving.blocks(serving.model.customers_[:10]))


def stream(folder: Path) -> None:
    """Write the lists of all customers with their reasons."""
    from crm_ml.score_tables.recommend import write_items
    from crm_ml.score_tables.source import Output

    serving = _model(folder).serving(K)
    write_items(folder / "people.parquet", serving, Output(folder / "items.parquet", folder / "parts"))


def _model(folder: Path) -> Any:
    from crm_ml.recommend import ALS

    return ALS.load(folder / "model")


def _implicit(model: Any, customers: int) -> Any:
    from implicit.cpu.matrix_factorization_base import MatrixFactorizationBase
    from scipy.sparse import csr_matrix

    class Fitted(MatrixFactorizationBase):
        """Factors that were fitted elsewhere."""

        def fit(self, *_: Any, **__: Any) -> None: ...

        def save(self, *_: Any) -> None: ...

    known = Fitted(num_threads=1)
    known.user_factors, known.item_factors = model.customer_factors_, model.item_factors_
    seen = csr_matrix(model.seen_)
    parts = []
    for start in range(0, customers, BLOCK):
        rows = np.arange(start, min(start + BLOCK, customers))
        parts.append(known.recommend(rows, seen[rows], N=K, filter_already_liked_items=True)[0])
    return np.concatenate(parts)


def _report(
    readme: Path, customers: int, seconds: dict[str, float], runs: dict[str, dict[str, float]]
) -> None:
    from study import markdown, save, show, verdict, write_between

    rows = [(name, f"{spent:.1f}", f"{spent / seconds[PRODUCT]:.2f}") for name, spent in seconds.items()]
    ours, limited = seconds[OURS] / seconds[PRODUCT], seconds[IMPLICIT] / seconds[OURS]
    above = runs["stream"]["peak_gb"] - runs["load"]["peak_gb"]
    targets = [
        (f"at most {MOST:g} times the product on this processor", ours, ours <= MOST),
        (f"at least {LEAST:g} times as fast as implicit", limited, limited >= LEAST),
        (f"stream at most {LARGEST_GB:g} GB above the model", above, above <= LARGEST_GB),
    ]
    verdicts = [(what, f"{figure:.2f}", verdict(met)) for what, figure, met in targets]
    machine = machine_text("numpy", "numba", "implicit", "pyarrow")
    whole, model = runs["stream"], runs["load"]
    facts = (
        f"{customers:,} customers, {ITEMS:,} items, {FACTORS} factors, {SEEN} items had, {K} a list. The "
        f"stream took {whole['cpu_s']:.0f} CPU seconds and {whole['peak_gb']:.2f} GB at most, the model "
        f"alone {model['peak_gb']:.2f}, for a file of {runs['file']['gb']:.2f} GB. Machine: {machine}."
    )
    content = {"customers": customers, "seconds": seconds, "runs": runs}
    save(readme.parent / "recommend.json", content)
    tables = f"{markdown(HEADER, rows)}\n\n{markdown(TARGETS, verdicts)}\n\n{facts}"
    write_between(readme, "recommend", tables)
    show(f"{K} items for {customers:,} customers", HEADER, rows)
    show("targets", TARGETS, verdicts)


if __name__ == "__main__":
    main()
