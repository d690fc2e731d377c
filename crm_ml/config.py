"""Strict models of ``configs/*.yaml``; one file is one run."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, field_validator

from crm_ml.errors import ConfigError
from crm_ml.paths import inside, project_root
from crm_ml.snapshots import Snapshot
from crm_ml.tables.safe_yaml import parse_yaml, read_yaml
from crm_ml.tables.strict import Strict, validate

Positive = Annotated[int, Field(ge=1)]
Option = bool | int | float | str
Day = Annotated[date, Field(strict=False)]
Loaded = TypeVar("Loaded", bound=Strict)


class Defaults(Strict):
    """``configs/default.yaml``: the runs that ``python -m crm_ml.train`` trains without a name."""

    runs: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class Data(Strict):
    """Which tables a run reads.

    Parameters
    ----------
    name : str
        A data set of `crm_ml.datasets`, or the mapping of own tables, such as ``configs/data/mine.yaml``.
    path : str, optional
        Where the files of a data set lie that is not installed with the package.
    ends_at : date, optional
        First day of which the tables know nothing. Without it, the day after the newest order; give it where
        orders may be dated in the future, for else every label before them is "churned".
    """

    name: str
    path: str | None = None
    ends_at: Day | None = None


class Target(Strict):
    """What is predicted at a snapshot.

    Parameters
    ----------
    horizon_days, gap_days : int
        Length of the label window and its distance from the snapshot.
    active_within_days : int
        Customers with an order in this many days before the snapshot are predicted.
    purpose : str, optional
        What customers must have allowed for their rows to train a model; needed where the tables have
        consents.
    """

    horizon_days: Positive
    gap_days: Annotated[int, Field(ge=0)] = 0
    active_within_days: Positive
    purpose: str | None = None

    def snapshot(self, as_of: date) -> Snapshot:
        """Return the snapshot of this target at a day."""
        return Snapshot(as_of, timedelta(days=self.horizon_days), timedelta(days=self.gap_days))  # type: ignore[arg-type]

    @property
    def active_within(self) -> timedelta:
        """`active_within_days` as a time."""
        return timedelta(days=self.active_within_days)


class Split(Strict):
    """Which snapshots train and which test; there are no random splits of dated data.

    Parameters
    ----------
    test : tuple of date
        Test snapshots in ascending order; each is predicted by a model whose training labels end before it.
    training_snapshots, every_days : int
        How many snapshots train a model, and how far they lie apart.
    earliest : date, optional
        No snapshot before it trains, since too little is known there.
    """

    test: Annotated[tuple[Day, ...], Field(strict=False, min_length=1)]
    training_snapshots: Positive
    every_days: Positive = 7
    earliest: Day | None = None

    @field_validator("test")
    @classmethod
    def _ascending(cls, days: tuple[date, ...]) -> tuple[date, ...]:
        if list(days) != sorted(set(days)):
            raise ValueError(f"test days must ascend, each once, not {', '.join(map(str, days))}")
        return days


class Part(Strict):
    """A model or baseline by the name of its module, with its options."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    options: dict[str, Option] = Field(default_factory=dict)


class Calibration(Strict):
    """How scores become probabilities.

    Parameters
    ----------
    methods : tuple of {"platt", "isotonic"}
        Tried on the newest training snapshots, by a model whose labels end before them; the best one that the
        guard lets pass is used, or none.
    snapshots : int
        How many of the newest training snapshots.
    """

    methods: Annotated[tuple[Literal["platt", "isotonic"], ...], Field(strict=False)] = ()
    snapshots: Positive = 4


class Register(Strict):
    """Under which name the final model is registered and which day it is trained for."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    as_of: Day


class ChurnRun(Strict):
    """A churn experiment: one file of ``configs/churn/``.

    Parameters
    ----------
    family : "churn"
    data, target, split, model, baselines, calibration, register_as
        See the model of each.
    features : dict of str to dict, optional
        Feature groups with their options; all groups without it.
    leave_out : tuple of str
        Features that are not used, by name or with ``*``.
    replicates : int
        Of the bootstrap.
    seed : int
        Of the bootstrap; models have their own among their options.
    largest_ece : float
        A model of a larger expected calibration error is not promoted.
    allow_leaks : tuple of str
        Features that may nearly give the label away.
    """

    family: Literal["churn"]
    data: Data
    target: Target
    features: dict[str, dict[str, Option]] | None = None
    leave_out: Annotated[tuple[str, ...], Field(strict=False)] = ()
    split: Split
    model: Part
    baselines: Annotated[tuple[Part, ...], Field(strict=False, min_length=1)]
    calibration: Calibration = Calibration()
    replicates: Annotated[int, Field(ge=100)] = 1000
    seed: int = 0
    largest_ece: Annotated[float, Field(gt=0, lt=1)] = 0.03
    allow_leaks: Annotated[tuple[str, ...], Field(strict=False)] = ()
    register_as: Register

    @field_validator("baselines")
    @classmethod
    def _named_once(cls, baselines: tuple[Part, ...]) -> tuple[Part, ...]:
        names = [part.name for part in baselines]
        if len(set(names)) < len(names):
            raise ValueError(f"each baseline may stand once, not {', '.join(names)}")
        return baselines


Run = ChurnRun
RUNS: dict[str, type[ChurnRun]] = {"churn": ChurnRun}


def load(path: Path, model: type[Loaded], overrides: Sequence[str] = ()) -> Loaded:
    """Read one YAML file, apply ``key=value`` overrides and check all of it.

    Parameters
    ----------
    path : Path
    model : type
        Strict model of the file.
    overrides : sequence of str
        Dotted keys with YAML values, such as ``"model.options.n_estimators=50"``.

    Raises
    ------
    ConfigError
        With every breach at once.
    """
    content = read_yaml(path)
    for text in overrides:
        _override(content, text)
    return validate(content, model, path.name)


def load_run(name: str, overrides: Sequence[str] = ()) -> ChurnRun:
    """Read the run ``configs/<name>.yaml``; the first part of its name is the family.

    Raises
    ------
    ConfigError
        If there is no such file or family, or with every breach in it.
    """
    configs = project_root() / "configs"
    path = inside(configs, f"{name}.yaml")
    if not path.is_file():
        found = [file for family in RUNS for file in configs.glob(f"{family}/*.yaml")]
        known = sorted(str(file.relative_to(configs).with_suffix("")) for file in found)
        raise ConfigError(f"{name}: no run of that name; there are {', '.join(known)}")
    family = name.split("/", maxsplit=1)[0]
    if family not in RUNS:
        raise ConfigError(f"{name}: {family!r} is no family; there are {', '.join(RUNS)}")
    return load(path, RUNS[family], overrides)


def _override(content: Any, text: str) -> None:
    key, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"--set {text}: write it as key=value")
    *parents, last = key.split(".")
    for parent in parents:
        content = content.setdefault(parent, {}) if isinstance(content, dict) else None
    if not isinstance(content, dict):
        raise ConfigError(f"--set {text}: {key} is no key of this file")
    content[last] = parse_yaml(value, f"--set {key}")
