"""LightGBM models as text: the trees that score, without the parameters of training."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crm_ml.errors import IntegrityError
from crm_ml.models.booster_lines import MOST_SIGNS
from crm_ml.models.booster_scores import CheckedBooster
from crm_ml.models.booster_structure import check_text
from crm_ml.storage.regular_file import read_text


def text_of(booster: Any) -> str:
    """Return the trees of a booster as text, without its parameters, which include the number of threads."""
    text: str = booster.model_to_string()
    return text[: text.index("\nparameters:")] + "\n"


def booster_of(text: str, features: int | None, where: str) -> CheckedBooster:
    """Return the booster of a text whose structure was checked, for LightGBM itself checks little of it.

    Parameters
    ----------
    text : str
    features : int or None
        Columns that will be scored; None if as many as the text has.
    where : str
        What the text is to the user, such as the name of its file.

    Raises
    ------
    IntegrityError
        See `crm_ml.models.booster_structure.check_text`; also what LightGBM itself refuses.
    """
    import lightgbm

    trees = check_text(text, features, where)
    try:
        return CheckedBooster(lightgbm.Booster(model_str=text), trees)
    except lightgbm.basic.LightGBMError as error:
        raise IntegrityError(f"{where}: LightGBM refuses it: {error}; train the model again") from error


def checked(booster: Any, where: str) -> CheckedBooster:
    """Return a booster that was just trained with the trees of its text; raises as `booster_of`."""
    return CheckedBooster(booster, check_text(text_of(booster), None, where))


def write_texts(folder: Path, texts: Iterable[str]) -> None:
    """Write boosters into an existing folder, as ``booster_0.txt`` and so on."""
    for number, text in enumerate(texts):
        (folder / f"booster_{number}.txt").write_text(text, encoding="utf-8")


def read_texts(folder: Path, count: int) -> list[str]:
    """Return the texts of some boosters that `write_texts` wrote."""
    return [read_text(folder / f"booster_{number}.txt", MOST_SIGNS) for number in range(count)]
