"""The lifetime-value model that a training run produces: scoring a summary, saving and loading."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_ml.clv.cautions import Caution
from crm_ml.clv.challenger import Challenger, challenger_features
from crm_ml.clv.clv_file import ClvFile
from crm_ml.clv.purchase_and_spend_model import Valuer
from crm_ml.clv.valuation_terms import Terms
from crm_ml.clv.value_calibration import NO_TILT, Tilt
from crm_ml.tables.outside_frames import as_features
from crm_ml.tables.part_file import AnotherVersion, read_part

if TYPE_CHECKING:
    import pandas as pd

MODEL, TREES = "clv.json", "challenger.txt"
SCORES = ("p_alive", "expected_purchases", "expected_value", "clv", "clv_low", "clv_high")
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class ClvModel:
    """Models of purchases and spend, corrections learned from their errors, and the terms of the value.

    ``clv = scale * value ** power`` where value is the probabilistic one, or that corrected by the
    challenger.

    Parameters
    ----------
    valuer : Valuer
    terms : Terms
    time_unit : {"D", "W"}
        Unit of time that summaries must have.
    tilt : Tilt
    scale : float
        Scale of the tilt, from the customers the model was fitted to.
    challenger : Challenger, optional
    season : float
        By which purchases and values of the horizon are raised, since an earlier year had as many more in its
        calendar months. It is that of the day of the fit.
    cautions : tuple of Caution
        What the data that it was fitted to do not know.
    """

    valuer: Valuer
    terms: Terms
    time_unit: str
    tilt: Tilt = NO_TILT
    scale: float = 1.0
    challenger: Challenger | None = None
    season: float = 1.0
    cautions: tuple[Caution, ...] = ()

    @classmethod
    def of(
        cls, valuer: Valuer, terms: Terms, summary: "pd.DataFrame", tilt: Tilt,
        challenger: Challenger | None, season: float = 1.0,
    ) -> "ClvModel":  # fmt: skip
        """Return the model with the scale of `tilt` set by the customers of `summary`."""
        bare = cls(valuer, terms, str(summary.attrs["time_unit"]), challenger=challenger, season=season)
        if tilt == NO_TILT:
            return bare
        scale = tilt.scale_for(bare.predict(summary)["clv"].to_numpy())
        return cls(valuer, terms, bare.time_unit, tilt, scale, challenger, season)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Columns that a summary must have beside its own; none without covariates."""
        return self.valuer.covariates

    def predict(self, summary: "pd.DataFrame") -> "pd.DataFrame":
        """Score customers.

        Parameters
        ----------
        summary : pandas.DataFrame, shape (n, ...)
            Of `crm_ml.clv.summarize` with ``with_first_value=True``, in the model's unit of time, and with
            the covariates of the model, if any: see `crm_ml.clv.with_attributes`. A frame of Polars or Arrow
            is taken as well; its column customer_id becomes the index.

        Returns
        -------
        pandas.DataFrame, shape (n, 6)
            Indexed like `summary`: p_alive, expected_purchases (within the horizon, not discounted),
            expected_value (spend on a purchase), clv with clv_low and clv_high (95 % interval of the expected
            value). clv is calibrated, so it is not the product of the others. ``attrs["cautions"]`` holds the
            model's cautions as plain data.

        Raises
        ------
        InputError
            If the frame is no such summary, or in another unit of time.
        """
        summary = as_features(summary, "summary")
        scores = self.valuer.table(summary, self.terms)
        values = ["clv", "clv_low", "clv_high"]
        raw = scores[values].to_numpy()
        if self.challenger is not None:
            features = challenger_features(self.valuer, summary, self.terms, scores)
            raw = self.challenger.correct(features, raw)
        if self.season != 1:
            raw, scores["expected_purchases"] = raw * self.season, scores["expected_purchases"] * self.season
        scores[values] = self.tilt.apply(raw, self.scale) if self.tilt != NO_TILT else raw
        scores.attrs["cautions"] = [caution.as_dict() for caution in self.cautions]
        return scores

    def save(self, folder: Path) -> None:
        """Write ``clv.json`` and, with a challenger, ``challenger.txt`` into an existing folder."""
        days = None if self.terms.horizon is None else self.terms.horizon / timedelta(days=1)
        content = {
            "format": _FORMAT,
            "time_unit": self.time_unit,
            "horizon_days": days,
            "annual_discount_rate": self.terms.annual_discount_rate,
            "margin": self.terms.margin,
            "valuer": self.valuer.as_dict(),
            "tilt": {"power": self.tilt.power, "total": self.tilt.total, "scale": self.scale},
            "challenger_floor": None if self.challenger is None else self.challenger.floor_,
            "season": self.season,
            "cautions": [caution.as_dict() for caution in self.cautions],
        }
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        (folder / MODEL).write_text(text, encoding="utf-8")
        if self.challenger is not None:
            self.challenger.save(folder / TREES)

    @classmethod
    def load(cls, folder: Path) -> "ClvModel":
        """Read a model that `save` wrote; verify the manifest of the folder first.

        Raises
        ------
        InputError
            If the file is of another format.
        """
        content = read_part(folder / MODEL, ClvFile).model_dump(exclude_unset=True)
        if content.get("format") != _FORMAT:
            raise AnotherVersion(
                f"{folder}: format {content.get('format')!r} is unknown; this version reads {_FORMAT}"
            )
        floor = content["challenger_floor"]
        trees = None if floor is None else Challenger.load(folder / TREES, floor)
        tilt = Tilt(content["tilt"]["power"], content["tilt"]["total"])
        valuer = Valuer.from_dict(content["valuer"])
        cautions = tuple(Caution(**caution) for caution in content.get("cautions", ()))
        scale = content["tilt"]["scale"]
        season = content.get("season", 1.0)
        return cls(valuer, _terms(content), content["time_unit"], tilt, scale, trees, season, cautions)


def _terms(content: Mapping[str, Any]) -> Terms:
    days = content["horizon_days"]
    horizon = None if days is None else timedelta(days=days)
    return Terms(horizon, content["annual_discount_rate"], content["margin"])
