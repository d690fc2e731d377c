"""The truth of tests and tags among the customers of a block of planes."""

from dataclasses import dataclass

import numpy as np

from crm_ml.rules.grammar import Node, Test
from crm_ml.tags.catalogue import TagCatalogue
from crm_ml.tags.layout import PRESENT, Layout
from crm_ml.tags.packed_facts import Fact, Plane, Truth, truth_of


@dataclass(frozen=True, eq=False)
class BlockTruths:
    """The truth of tests and tags among the customers of a block; each tag is computed once.

    Parameters
    ----------
    catalogue : TagCatalogue
    layout : Layout
    block : numpy.ndarray of uint8, shape (planes, bytes)
    """

    catalogue: TagCatalogue
    layout: Layout
    block: Plane

    def __call__(self, test: Test) -> Truth:
        """Return of whom a test is surely true and surely false."""
        true, false = self._of_tag(test) if test.column in self.catalogue.tags else self._of_column(test)
        return (false, true) if test.negated else (true, false)

    def tag(self, name: str) -> Truth:
        """Return of whom a tag is surely true and surely false."""
        tags: dict[str, Truth] = self.__dict__.setdefault("_tags", {})
        if name not in tags:
            tags[name] = self._tag(name)
        return tags[name]

    def entered(self, name: str, before: Plane) -> Plane:
        """Return who has a tag with a memory now, of those who had it before."""
        enter, leave = (truth_of(node, self) for node in self.catalogue.nodes(name))
        return np.asarray(enter[0] | (before & ~leave[0] & self.block[PRESENT]))

    def _tag(self, name: str) -> Truth:
        nodes = self.catalogue.nodes(name)
        if not self.catalogue.tags[name].has_memory:
            return truth_of(nodes[0], self)
        true = self.block[self.layout.memory[name]]
        enter, leave = (truth_of(node, self) for node in nodes)
        return true, ~true & (enter[1] | leave[0])

    def _of_tag(self, test: Test) -> Truth:
        true, false = self.tag(test.column)
        if test.operator == "null":
            return self.block[PRESENT] & ~(true | false), true | false
        wanted = {value is True for value in test.literals}
        if test.operator == "in" and len(wanted) > 1:
            return true | false, np.zeros_like(true)
        is_same = wanted.pop() == (test.operator != "!=")
        return (true, false) if is_same else (false, true)

    def _of_column(self, test: Test) -> Truth:
        true = self.block[self.layout.fact[Fact.of(test)]]
        known = self.block[self.layout.known[test.column]]
        return true, known if test.operator == "null" else known & ~true


def tag_node(name: str) -> Node:
    """Return the rule that a tag is true."""
    return Test(name, "=", (True,), negated=False, position=1)
