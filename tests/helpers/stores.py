"""A tracking store of small runs of the committed configs, and where the data of each lie."""

import inspect
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_settings import QUICK, SMALL, SMALL_DATA, SMALL_RUNS, TUNED

PROJECT = Path(__file__).resolve().parents[2]
OF_THEIR_OWN = ("churn/app_silence", "churn/december", "clv/december")  # other tests train them
MORE_OF_A_KIND = ("propensity/category", "propensity/tuned", "recommend/category",
                  "recommend/tuned", "uplift/hillstrom_spend")  # fmt: skip


@dataclass(frozen=True)
class Store:
    """One tracking store and its data, and what the training command said and left."""

    runs: Path
    data: Path
    folders: dict[str, Path]
    names: tuple[str, ...]
    exit_code: int = 0
    output: str = ""
    metrics: dict[str, dict[str, float]] | None = None

    @property
    def households(self) -> Path:
        """Files of a few households of Complete Journey."""
        return self.folders["complete_journey"]

    def of(self, family: str) -> tuple[str, ...]:
        """Names of the runs of a family."""
        return tuple(name for name in self.names if name.startswith(f"{family}/"))

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let everything read and write here."""
        monkeypatch.chdir(PROJECT)
        monkeypatch.setenv("CRM_ML_RUNS", str(self.runs))
        monkeypatch.setenv("CRM_ML_DATA", str(self.data))
        monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def settings(self, name: str, **more: str) -> list[str]:
        """Overrides that make a run small: few snapshots and customers, few trees and replicates."""
        from crm_ml.config import load_run

        run = load_run(name)
        wanted = dict(SMALL[run.family]) | SMALL_DATA.get((run.family, run.data.name), {})
        wanted |= SMALL_RUNS.get(name, {})
        if run.family in ("churn", "propensity"):
            wanted |= _quick(run.model.name)
        if getattr(run, "tuning", None) is not None:
            wanted |= TUNED[run.family]
        wanted |= {"data.path": str(self.folders[run.data.name])} | more
        return [f"{key}={value}" for key, value in wanted.items()]


def _quick(model: str) -> dict[str, str]:
    """Options that make a model quick, of those that it has."""
    from crm_ml.models.model import MODELS

    known = inspect.signature(MODELS[model]).parameters
    return {f"model.options.{key}": str(value) for key, value in QUICK.items() if key in known}


def committed_runs(every: bool = True) -> tuple[str, ...]:
    """Names of the runs of the store, YAML files in the folders of the families; or of one of each kind."""
    from crm_ml.config import run_classes

    configs = PROJECT / "configs"
    found = [path for family in run_classes() for path in sorted(configs.glob(f"{family}/*.yaml"))]
    names = (path.relative_to(configs).with_suffix("").as_posix() for path in found)
    left_out = OF_THEIR_OWN if every else (*OF_THEIR_OWN, *MORE_OF_A_KIND)
    return tuple(name for name in names if name not in left_out)
