"""Test rows in the form in which a run logs them: Parquet with pseudonyms, and a manifest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.errors import InputError
from crm_ml.storage.manifest import new_folder, verify
from crm_ml.storage.pseudonyms import check_of, pseudonyms
from crm_ml.train.compare.scored_rows import MODEL, ListRows, ScoredRows, TestWindow, kind_of

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.config import Run
    from crm_ml.evaluation.base_predictions import BasePredictions
    from crm_ml.evaluation.ranking import Floats

FOLDER = "predictions"
KEYS = ["customer", "fold"]


@dataclass(frozen=True, eq=False)
class Logged:
    """Test rows of a run under pseudonyms.

    Parameters
    ----------
    family : str
    kinds : mapping of str to str
        By part.
    frames : mapping of str to pandas.DataFrame
        By part: customer, fold, y, and what was said. In the run that made them they have the order of the
        customers' own ids, so that the bootstrap draws as the run did; in files that of the pseudonyms,
        since the other would tell who is who.
    about : mapping
        ``views``, ``decides``, ``deciding``, ``windows``, ``terms``, ``seed``, ``replicates``, ``key``.
    """

    family: str
    kinds: Mapping[str, str]
    frames: "Mapping[str, pd.DataFrame]"
    about: Mapping[str, Any]

    @classmethod
    def of(cls, rows: ScoredRows, config: "Run", key: bytes) -> "Logged":
        """Return the rows of a run under pseudonyms."""
        about = {
            "views": dict(rows.views),
            "decides": rows.decides,
            "deciding": list(rows.deciding),
            "windows": {fold: asdict(window) for fold, window in rows.windows.items()},
            "terms": dict(rows.terms),
            "seed": config.seed,
            "replicates": config.replicates,
            "key": check_of(key),
        }
        kinds = {name: kind_of(part) for name, part in rows.parts.items()}
        frames = {name: _frame(part, key) for name, part in rows.parts.items()}
        return cls(config.family, kinds, frames, about)

    @classmethod
    def load(cls, folder: Path) -> "Logged":
        """Read what `save` wrote, after its sums were checked.

        Raises
        ------
        IntegrityError
            If a file does not agree with the manifest.
        """
        import pandas as pd

        about = verify(folder)
        files = about["parts"]
        frames = {name: pd.read_parquet(folder / file) for name, file in files.items()}
        return cls(about["family"], about["kinds"], frames, about)

    def save(self, folder: Path) -> None:
        """Write a Parquet file a part, with a manifest, into a new folder."""
        files = {name: f"part_{number}.parquet" for number, name in enumerate(self.frames)}
        details = {"family": self.family, "kinds": dict(self.kinds), "parts": files, **self.about}
        with new_folder(folder, **details) as part:
            for name, file in files.items():
                self.frames[name].sort_values(KEYS, ignore_index=True).to_parquet(part / file, index=False)

    @property
    def windows(self) -> dict[str, TestWindow]:
        """Days of each fold."""
        return {fold: TestWindow(**window) for fold, window in self.about["windows"].items()}

    def at(self, folds: "set[str]") -> "Logged":
        """Return the rows of some of the folds."""
        frames = {name: frame[frame["fold"].isin(folds)] for name, frame in self.frames.items()}
        return Logged(self.family, self.kinds, frames, self.about)

    def saying(self, rows: ScoredRows, scores: "Mapping[str, Floats]") -> "Logged":
        """Return the same rows with other scores of the model, given in the order of `rows`.

        Raises
        ------
        InputError
            If a part is of lists, which have no scores.
        """
        frames = {}
        for name, values in scores.items():
            part = rows.parts[name]
            if isinstance(part, ListRows):
                raise InputError(f"{name}: lists of another model can't be put in place of these")
            frames[name] = self.frames[name].assign(**{f"p.{MODEL}": np.asarray(values)[_order(part)]})
        return Logged(self.family, {name: self.kinds[name] for name in frames}, frames, self.about)


def _frame(part: "BasePredictions | ListRows", key: bytes) -> "pd.DataFrame":
    import pandas as pd

    order = _order(part)
    ids = np.asarray(part.customer_id, dtype=str)[order].tolist()
    folds = np.asarray(part.fold, dtype=str)[order]
    columns = {name: np.asarray(values)[order] for name, values in part.scores.items()}
    return pd.DataFrame({"customer": pseudonyms(ids, key), "fold": folds, "y": part.y[order], **columns})


def _order(part: "BasePredictions | ListRows") -> Any:
    """Return the order by customer and fold; numpy sorts ids as the bootstrap does."""
    return np.lexsort((np.asarray(part.fold, dtype=str), np.asarray(part.customer_id, dtype=str)))
