"""The catalogue of tags: what each says, by which rule, for which purpose, and how long it holds."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Self

import narwhals as nw
from pydantic import Field, PrivateAttr, model_validator

from crm_ml.actions.field_types import TagName
from crm_ml.config.parts import Features
from crm_ml.errors import ConfigError
from crm_ml.rules.compiled_rule import breaches_of
from crm_ml.rules.grammar import KEYWORDS, Node, Test, columns, parse
from crm_ml.tables.strict import Strict

Rule = Annotated[str, Field(min_length=1)]
Days = Annotated[int, Field(ge=1)]


class Tag(Strict):
    """One tag.

    Parameters
    ----------
    description : str
        What is true of a customer who has it.
    rule : str, optional
        Rule of `crm_ml.rules.grammar` over features, scores and other tags, which may stand by their name
        alone: ``saver and not lost``.
    enter : str, optional
        In place of ``rule``: who has not the tag gets it where this is true, and keeps it until ``leave`` is,
        so that a score beside a limit moves nobody to and fro.
    leave : str, optional
        Beside ``enter``: who has the tag loses it where this is true.
    group : str
        What it is about.
    owner : str
        Who answers for it.
    purposes : tuple of str
        What it may be used for; for all without any.
    valid_days : int, optional
        Days after which an audience refuses it unless it was refreshed.
    """

    description: Annotated[str, Field(min_length=1)]
    rule: Rule | None = None
    enter: Rule | None = None
    leave: Rule | None = None
    group: str = "other"
    owner: str = ""
    purposes: Annotated[tuple[str, ...], Field(strict=False)] = ()
    valid_days: Days | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.rule is not None, self.enter is not None, self.leave is not None)
        if ways not in ((True, False, False), (False, True, True)):
            raise ValueError("give a rule, or enter and leave")
        return self

    @property
    def has_memory(self) -> bool:
        """Whether it depends on who had it before."""
        return self.rule is None

    def rules(self) -> tuple[str, ...]:
        """Return its one or two rules."""
        return tuple(rule for rule in (self.rule, self.enter, self.leave) if rule is not None)


class TagCatalogue(Strict):
    """All tags of a shop.

    Parameters
    ----------
    tags : mapping of str to Tag
    features : mapping of str to options
        Feature groups that the rules read; by default all that need no options.
    """

    tags: Annotated[Mapping[TagName, Tag], Field(min_length=1)]
    features: Features | None = None
    _nodes: dict[str, tuple[Node, ...]] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        breaches = [f"tag {name}: a word of the rules is no name" for name in self.tags if name in KEYWORDS]
        for name, tag in self.tags.items():
            for rule in tag.rules():
                try:
                    tests = columns(parse(rule, self.tags))
                except ConfigError as error:
                    breaches.append(f"tag {name}: {error}")
                else:
                    schema = {test.column: nw.Boolean() for test in tests if test.column in self.tags}
                    of_tags = (breaches_of(test, schema) for test in tests if test.column in schema)
                    breaches += [f"tag {name}: {breach}" for each in of_tags for breach in each]
        if breaches:
            raise ValueError("\n  ".join(breaches))
        self.order()
        return self

    def nodes(self, name: str) -> tuple[Node, ...]:
        """Return the parsed rules of a tag: one, or those to enter and to leave."""
        if name not in self._nodes:
            self._nodes[name] = tuple(parse(rule, self.tags) for rule in self.tags[name].rules())
        return self._nodes[name]

    def tests(self) -> Iterator[tuple[str, Test]]:
        """Give every test of a column that is no tag, with the tag it stands in."""
        for name in self.tags:
            for node in self.nodes(name):
                yield from ((name, test) for test in columns(node) if test.column not in self.tags)

    def order(self) -> tuple[str, ...]:
        """Return the tags so that each stands behind those it names.

        Raises
        ------
        ValueError
            If some name each other in a circle; the message has its path.
        """
        graph = {
            name: {test.column for node in self.nodes(name) for test in columns(node)} & set(self.tags)
            for name in self.tags
        }
        try:
            return tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            path = " -> ".join(reversed(error.args[1]))
            raise ValueError(f"tags name each other in a circle: {path}") from None
