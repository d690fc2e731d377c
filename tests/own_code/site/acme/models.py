"""A model of a probability, and what is none."""

import json

import numpy as np


class DaysModel:
    """Smoothed rate of each band of days since the last order."""

    def __init__(self, *, band_days=7, column="rfm_days_since_order"):
        self.band_days, self.column = band_days, column

    def fit(self, X, y, sample_weight=None):
        """Learn the rates."""
        bands, labels = self._bands(X), np.asarray(y, dtype=float)
        self.mean_ = float(labels.mean())
        self.rates_ = {
            int(band): (labels[bands == band].sum() + self.mean_) / ((bands == band).sum() + 1)
            for band in np.unique(bands)
        }
        return self

    def predict_proba(self, X):
        """Return one less the rate of each row's band, and the rate."""
        p = np.array([self.rates_.get(int(band), self.mean_) for band in self._bands(X)])
        return np.column_stack([1 - p, p])

    def save(self, folder):
        """Write all of it."""
        content = [self.band_days, self.column, self.mean_, sorted(self.rates_.items())]
        (folder / "rates.json").write_text(json.dumps(content))

    @classmethod
    def load(cls, folder):
        """Read it."""
        band_days, column, mean, rates = json.loads((folder / "rates.json").read_text())
        model = cls(band_days=band_days, column=column)
        model.mean_, model.rates_ = mean, dict(rates)
        return model

    def _bands(self, X):
        return (X[self.column].fillna(-1).to_numpy() // self.band_days).astype(int)


class Incomplete:
    """It learns, and can't be saved."""

    def fit(self, X, y, sample_weight=None):
        """Learn nothing."""
        return self

    def predict_proba(self, X):
        """Return a half."""
        return np.full((len(X), 2), 0.5)
