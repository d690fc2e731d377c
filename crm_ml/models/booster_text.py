"""LightGBM models as text: what they score by, without how they were trained."""

from typing import Any


def text_of(booster: Any) -> str:
    """Return the trees of a booster without its parameters: they hold the number of threads."""
    text: str = booster.model_to_string()
    return text[: text.index("\nparameters:")] + "\n"


def booster_of(text: str) -> Any:
    """Return the booster of a text."""
    import lightgbm

    return lightgbm.Booster(model_str=text)
