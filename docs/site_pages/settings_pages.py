"""Reference pages of settings: every key of every config, from the pydantic models and their docstrings."""

from collections.abc import Iterator, Mapping
from typing import Any

from field_meanings import meaning, nested, summary
from table_pages import table

from crm_ml.actions.action import Action
from crm_ml.actions.action_parts import PARTS
from crm_ml.actions.catalog import Catalog
from crm_ml.actions.contact.contact_policy import ContactPolicy
from crm_ml.config import Defaults, run_classes
from crm_ml.delivery.exporters.export_plan import Options
from crm_ml.identity.settings import IdentitySettings
from crm_ml.layers.settings import LayerSettings
from crm_ml.membership.membership_run import Membership
from crm_ml.score.settings import ScoreSettings
from crm_ml.tables.mapping import Mapping as TablesMapping
from crm_ml.tables.strict import Strict
from crm_ml.tags.tag_run import TagRun

FOLDER = "reference/settings"
PAGES: Mapping[str, tuple[str, str, tuple[type[Strict], ...]]] = {
    "runs": (
        "Experiments",
        "A file of `configs/<family>/` is one experiment of `python -m crm_ml.train`.",
        (*run_classes().values(), Defaults),
    ),
    "lists": (
        "Lists",
        "A file of `configs/score/` is the policy of a list of `python -m crm_ml.score`.",
        (ScoreSettings,),
    ),
    "actions": (
        "Actions",
        "A file of `configs/actions/` is a catalogue of actions. Keys of an action stand side by side in it.",
        (Catalog,),
    ),
    "layers": (
        "Layers",
        "A file of `configs/layers/` says what the layers of `python -m crm_ml.layers` are.",
        (LayerSettings,),
    ),
    "membership": (
        "Membership",
        "A file of `configs/membership/` is a programme of `python -m crm_ml.membership`.",
        (Membership,),
    ),
    "tags": (
        "Tags",
        "A file of `configs/tags/` is a catalogue of tags of `python -m crm_ml.tags`.",
        (TagRun,),
    ),
    "tables": (
        "Mappings of tables",
        "A file of `configs/data/` says how files or a database become [customer tables](../tables.md).",
        (TablesMapping,),
    ),
    "identity": (
        "Identity",
        "A file of `configs/identity/` says how profiles become customers of `python -m crm_ml.identity`.",
        (IdentitySettings,),
    ),
    "exports": ("Exports", "Options of `crm-ml score export`.", (Options,)),
}
LEAD = (
    "Unknown keys, numbers written as text, NaN and infinite numbers are refused, with every mistake of a "
    "file in one error. `--set KEY=VALUE` overrides a key of a command, `a.b=1` one inside another."
)
LIMITS = {
    "minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}",
    "minItems": "at least {}", "minProperties": "at least {}", "maxItems": "at most {}",
    "minLength": "at least {} characters", "maxLength": "at most {} characters", "pattern": "as `{}`",
}  # fmt: skip
WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
PLAIN = {*WORDS.values()}
REQUIRED = "needed"
DEFAULTS = {(ContactPolicy, "time_zone"): "that of the tables"}  # where the default follows from elsewhere


def pages() -> dict[str, str]:
    """Return the pages by their path below ``docs/``."""
    homes: dict[type[Strict], str] = {}
    return {f"{FOLDER}/{stem}.md": _page(stem, homes) for stem in PAGES}


def _page(stem: str, homes: dict[type[Strict], str]) -> str:
    title, lead, roots = PAGES[stem]
    models = [model for root in roots for model in _reached(root)]
    mine = [model for model in dict.fromkeys(models) if homes.setdefault(model, stem) == stem]
    parts = [f"# {title}", f"{lead} {LEAD}"]
    for model in mine:
        parts += [f"## {model.__name__}", summary(model), _keys(model, homes, stem)]
    return "\n\n".join(parts) + "\n"


def fields(model: type[Strict]) -> Iterator[tuple[type[Strict], str]]:
    """Yield the keys of a model as its file has them, each with the model that declares it."""
    if model is Action:
        for part in PARTS.values():
            yield from fields(part)
    else:
        yield from ((model, name) for name in model.model_fields)


def _reached(model: type[Strict]) -> Iterator[type[Strict]]:
    """Yield a model and those that its values consist of, each before what it consists of."""
    yield model
    for owner, field in fields(model):
        for value in nested(owner, field):
            yield from _reached(value)


def _keys(model: type[Strict], homes: Mapping[type[Strict], str], stem: str) -> str:
    rows = []
    for owner, name in fields(model):
        key = owner.model_fields[name].alias or name
        schema = owner.model_json_schema()["properties"][key]
        links = {value.__name__: _link(value, homes, stem) for value in nested(owner, name)}
        rows.append((f"`{key}`", _type(schema, links), _default(owner, name), meaning(owner, name)))
    return table(("key", "type", "default", "meaning"), rows)


def _link(model: type[Strict], homes: Mapping[type[Strict], str], stem: str) -> str:
    page = "" if homes.get(model, stem) == stem else f"{homes[model]}.md"
    return f"[{model.__name__}]({page}#{model.__name__.lower()})"


def _type(schema: Mapping[str, Any], links: Mapping[str, str]) -> str:
    """Return a JSON schema in words, such as ``whole number ≥ 1``."""
    if "$ref" in schema:
        return links[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema or "oneOf" in schema:
        kinds = [kind for kind in schema.get("anyOf") or schema["oneOf"] if kind.get("type") != "null"]
        words = dict.fromkeys(_type(kind, links) for kind in kinds)
        return " or ".join(["plain value", *(set(words) - PLAIN)] if words.keys() >= PLAIN else words)
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    limits = ", ".join(words.format(schema[key]) for key, words in LIMITS.items() if key in schema)
    kind = _kind(schema, links)
    return f"{kind} ({limits})" if limits else kind


def _kind(schema: Mapping[str, Any], links: Mapping[str, str]) -> str:
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items") or {}
        return f"list of {_type(items, links)}" if items else "list"
    if kind == "object":
        kinds = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
        values = next((values for values in kinds if isinstance(values, Mapping)), None)
        return "mapping" if values is None else f"mapping to {_type(values, links)}"
    if schema.get("format") == "date":
        return "date"
    return WORDS.get(str(kind), "value")


def _default(model: type[Strict], name: str) -> str:
    field = model.model_fields[name]
    if (model, name) in DEFAULTS:
        return DEFAULTS[model, name]
    if field.is_required():
        return REQUIRED
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Strict):
        return (
            "its defaults" if value == type(value).model_construct() else f"`{value.model_dump(mode='json')}`"
        )
    plain = [*value] if isinstance(value, tuple) else value
    return (
        ""
        if plain is None or plain in ("", [], {})
        else f"`{str(plain).lower() if isinstance(plain, bool) else plain}`"
    )
