"""What griffe does not know of this package: references of numpydoc, and constructors of pydantic models."""

import re
from collections.abc import Iterator
from typing import Any

from griffe import Attribute, Class, Extension, Function, Module, Object, Parameter, ParameterKind, Parameters

TYPES = re.compile(r"^([\w*][\w*, ]* : [^{,\n]+), ([^{\n]* or )", re.MULTILINE)  # a, b or c: no tuple
LITERAL = re.compile(r"::$", re.MULTILINE)  # of reStructuredText, before an indented block
STRICT = "crm_ml.tables.strict.Strict"  # base of all models
CITED, NUMBERED = re.compile(r"\[(\d+)\]_"), re.compile(r"^\.\. \[(\d+)\] (.*(?:\n +.*)*)", re.MULTILINE)


def as_markdown(text: str) -> str:
    r"""Return a docstring whose references are a list of Markdown.

    Examples
    --------
    >>> as_markdown("day : str, date or datetime, optional")
    'day : str or date or datetime, optional'
    >>> print(as_markdown("As in [1]_.\n.. [1] Efron (1979).\n   Bootstrap."))
    As in [1].
    1. Efron (1979). Bootstrap.
    """
    while TYPES.search(text):
        text = TYPES.sub(r"\1 or \2", text)
    text = CITED.sub(r"[\1]", LITERAL.sub(":", text))
    return NUMBERED.sub(lambda match: f"{match[1]}. {' '.join(match[2].split())}", text)


class Docstrings(Extension):
    """Mend each docstring, and give each pydantic model the constructor that pydantic makes of its fields."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the references of one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Add the constructors once all bases are known, so that docstrings are checked against them."""
        for cls in _classes(pkg):
            bases = list(_bases(cls))
            if "__init__" not in cls.members and any(base.path == STRICT for base in bases):
                cls.set_member("__init__", _constructor(cls, [*reversed(bases), cls]))


def _classes(module: Module) -> Iterator[Class]:
    for member in module.members.values():
        if not member.is_alias and member.is_class:
            yield member
        elif not member.is_alias and member.is_module:
            yield from _classes(member)


def _bases(cls: Class) -> Iterator[Class]:
    try:
        yield from cls.mro()
    except ValueError:  # a base outside of the package
        return


def _constructor(cls: Class, models: list[Class]) -> Function:
    fields = {field.name: field for model in models for field in _fields(model)}
    kind = ParameterKind.keyword_only
    own = [Parameter("self", kind=ParameterKind.positional_or_keyword)]
    rest = [
        Parameter(name, annotation=field.annotation, kind=kind, default=_default(field))
        for name, field in fields.items()
    ]
    return Function("__init__", parent=cls, parameters=Parameters(*own, *rest), returns="None")


def _fields(model: Class) -> Iterator[Attribute]:
    for member in model.members.values():
        if member.is_alias or not member.is_attribute or "property" in member.labels or member.is_private:
            continue
        if member.annotation is not None and "ClassVar" not in str(member.annotation):
            yield member


def _default(field: Attribute) -> str | None:
    text = None if field.value is None else str(field.value)
    return "..." if text is not None and text.startswith("Field(") else text
