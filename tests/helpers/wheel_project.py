"""A wheel of this checkout, and the commands from an empty folder to a list that are tried with it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = ("crm_ml", "configs", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_{}(sys.argv[1])"
MAPPING = "configs/data/mine.yaml"
QUICK = ("replicates=100", "split.training_snapshots=12", "model.name=logistic",
         "baselines=[{name: recency_rule}]")  # fmt: skip
TRAIN = ("train", "churn/mine", *(part for setting in QUICK for part in ("--set", setting)))
CHAMPION = "churn_mine version 1 (champion)"


def build(kind: str, source: Path, into: Path) -> Path:
    """Build the ``"sdist"`` or the ``"wheel"`` of a source folder, without isolation; its file."""
    command = [sys.executable, "-W", "ignore", "-c", BUILD.format(kind), str(into)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return next(into.glob("*.whl" if kind == "wheel" else "*.tar.gz"))


def tracked(*paths: str, project: Path = PROJECT) -> list[str]:
    """Return the files that git knows under some paths, from the project's folder; those are released."""
    return _git_files(project, *paths)


def untracked(project: Path = PROJECT) -> list[str]:
    """Return the files among the sources that git neither knows nor ignores, such as an own config."""
    return _git_files(project, "--others", "--exclude-standard", "--", *SOURCES)


def _git_files(project: Path, *words: str) -> list[str]:
    command = ["git", "-C", str(project), "ls-files", "-z", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")[:-1]


def copy_sources(folder: Path, project: Path = PROJECT) -> Path:
    """Copy what the package is built of: files that git knows, nothing private or of an earlier build."""
    for name in tracked(*SOURCES, project=project):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project / name, folder / name, follow_symlinks=False)
    return folder


def write_orders(path: Path, customers: int) -> None:
    """Write the orders of a simulated shop as its export."""
    import pandas as pd

    from crm_ml import datasets

    path.parent.mkdir(parents=True)
    shop = datasets.load("simulated", path.parent / "simulated", customers=customers, seed=5)
    rows = shop.pandas("order_lines")
    columns = {"at": pd.to_datetime(rows["ordered_at_epoch_s"], unit="s"), "paid": rows["paid_cents"] / 100}
    rows[["customer_id", "order_id", "item_id"]].assign(**columns).to_csv(path, index=False)


def before_training(run: Callable[..., str], project: Path, customers: int) -> None:
    """Lay out the project and map its orders; `run` takes the words of a command and what it runs in."""
    assert "notebooks/first_look.ipynb" in run("init", project.name, folder=project.parent)
    write_orders(project / "data" / "orders.csv", customers)
    run("tables", "--guess", "data/orders.csv", "--out", MAPPING)
    run("train", "--new", "churn", "--data", MAPPING)


def write_list(run: Callable[..., str], project: Path) -> int:
    """Write the list of the champion; its number of rows."""
    from crm_ml.lists import read_list

    run("score", "--new", "--data", MAPPING)
    assert "next: " in run("score", "score/mine")
    return len(read_list(project / "data" / "lists" / "mine"))
