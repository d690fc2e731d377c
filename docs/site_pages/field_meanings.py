"""What each field of a pydantic model means, by the docstrings of the model and its bases."""

import inspect
import re
from collections.abc import Iterator

from crm_ml.tables.strict import Strict

PARAMETERS = re.compile(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
ITEM = re.compile(r"^(\w+)(?: : .*)?\n((?:(?: +.*)?\n)*)", re.MULTILINE)
ELSEWHERE = ("See the model", "See `")


def meaning(model: type[Strict], field: str) -> str:
    """Return what a field holds: the text of its parameter, else what its model is; empty if none.

    Examples
    --------
    >>> from crm_ml.config import Data
    >>> meaning(Data, "path")
    'Folder of the files of a data set that is not installed with the package.'
    """
    for base in model.__mro__:
        text = _parameters(base).get(field, "") if issubclass(base, Strict) else ""
        if text and not text.startswith(ELSEWHERE):
            return text
    values = [summary(value) for value in nested(model, field)]
    return values[0] if values else ""


def nested(model: type[Strict], field: str) -> Iterator[type[Strict]]:
    """Yield the models that the value of a field consists of."""
    yield from _models(model.model_fields[field].annotation)


def summary(model: type[Strict]) -> str:
    """Return the first paragraph of a model's docstring, on one line."""
    return " ".join((inspect.getdoc(model) or "").partition("\n\n")[0].split())


def _models(annotation: object) -> Iterator[type[Strict]]:
    if inspect.isclass(annotation) and issubclass(annotation, Strict):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models(part)


def _parameters(model: type) -> dict[str, str]:
    """Return the texts of the section Parameters by name; a sentence for several (``low, high``) is none."""
    section = PARAMETERS.search(
        (vars(model).get("__doc__") or "") and inspect.cleandoc(model.__doc__ or "") + "\n"
    )
    items = ITEM.findall(section[1]) if section else []
    return {name: " ".join(text.split()) for name, text in items}
