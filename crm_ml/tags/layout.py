"""Which plane of bits says what: known customers, facts, columns with a value, and tags with a memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crm_ml.errors import ConfigError
from crm_ml.rules.compiled_rule import breaches_of
from crm_ml.tags.catalogue import TagCatalogue
from crm_ml.tags.packed_facts import Fact

PRESENT = 0  # the plane of who is a customer


@dataclass(frozen=True)
class Layout:
    """The planes of a catalogue, in their order.

    Parameters
    ----------
    facts : tuple of Fact
        Each test of the catalogue once.
    columns : tuple of str
        That they read.
    remembering : tuple of str
        Tags with a memory.
    """

    facts: tuple[Fact, ...]
    columns: tuple[str, ...]
    remembering: tuple[str, ...]

    @classmethod
    def of(cls, catalogue: TagCatalogue) -> "Layout":
        """Return the planes that the tags of a catalogue need."""
        tests = [test for _, test in catalogue.tests()]
        facts = sorted({Fact.of(test) for test in tests}, key=repr)
        columns = sorted({test.column for test in tests})
        memory = sorted(name for name, tag in catalogue.tags.items() if tag.has_memory)
        return cls(tuple(facts), tuple(columns), tuple(memory))

    @property
    def planes(self) -> int:
        """How many there are."""
        return 1 + len(self.facts) + len(self.columns) + len(self.remembering)

    @cached_property
    def fact(self) -> Mapping[Fact, int]:
        """Plane of each fact."""
        return {fact: 1 + place for place, fact in enumerate(self.facts)}

    @cached_property
    def known(self) -> Mapping[str, int]:
        """Plane of who has a value in each column."""
        first = 1 + len(self.facts)
        return {column: first + place for place, column in enumerate(self.columns)}

    @cached_property
    def memory(self) -> Mapping[str, int]:
        """Plane of who has each tag with a memory."""
        first = 1 + len(self.facts) + len(self.columns)
        return {name: first + place for place, name in enumerate(self.remembering)}


def check_columns(catalogue: TagCatalogue, schema: Mapping[str, Any]) -> None:
    """Refuse rules that name columns which are not there, or are of another kind.

    Parameters
    ----------
    catalogue : TagCatalogue
    schema : mapping of str to narwhals dtype
        Of features and scores.

    Raises
    ------
    ConfigError
        With a line for each such test.
    """
    lines = [
        f"  tag {name}: {breach}" for name, test in catalogue.tests() for breach in breaches_of(test, schema)
    ]
    if lines:
        raise ConfigError("tags that don't fit the features and scores\n" + "\n".join(dict.fromkeys(lines)))
