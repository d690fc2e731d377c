"""A model that was fitted and judged, as a notebook uses it."""

from pathlib import Path


class FittedModel:
    """A fitted model of a family."""


def load_model(folder: str | Path) -> FittedModel:
    """Return a model that `FittedModel.save` wrote."""
    raise NotImplementedError
