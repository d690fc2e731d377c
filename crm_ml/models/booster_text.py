"""LightGBM models as text: the trees that score, without the parameters of training."""

from typing import Any


def text_of(booster: Any) -> str:
    """Return the trees of a booster as text, without its parameters, which include the number of threads."""
    text: str = booster.model_to_string()
    return text[: text.index("\nparameters:")] + "\n"


def booster_of(text: str) -> Any:
    """Return the booster of a text."""
    import lightgbm

    return lightgbm.Booster(model_str=text)
