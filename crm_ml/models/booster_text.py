"""LightGBM models as text: the trees that score, without the parameters of training."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any


def text_of(booster: Any) -> str:
    """Return the trees of a booster as text, without its parameters, which include the number of threads."""
    text: str = booster.model_to_string()
    return text[: text.index("\nparameters:")] + "\n"


def booster_of(text: str) -> Any:
    """Return the booster of a text."""
    import lightgbm

    return lightgbm.Booster(model_str=text)


def write_texts(folder: Path, texts: Iterable[str]) -> None:
    """Write boosters into an existing folder, as ``booster_0.txt`` and so on."""
    for number, text in enumerate(texts):
        (folder / f"booster_{number}.txt").write_text(text, encoding="utf-8")


def read_texts(folder: Path, count: int) -> list[str]:
    """Return the texts of some boosters that `write_texts` wrote."""
    return [(folder / f"booster_{number}.txt").read_text(encoding="utf-8") for number in range(count)]
