"""The tags of all customers on a day as planes of bits, and what can be asked of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from crm_ml.errors import InputError
from crm_ml.rules.compiled_rule import breaches_of
from crm_ml.rules.grammar import ANY_NAME, Node, columns, parse
from crm_ml.tags.audience import Audience
from crm_ml.tags.block_truths import BlockTruths, tag_node
from crm_ml.tags.catalogue import TagCatalogue
from crm_ml.tags.customer_numbers import CustomerNumbers
from crm_ml.tags.layout import PRESENT, Layout
from crm_ml.tags.packed_facts import Plane, Truth, truth_of, unpack

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.tags.moved_customers import RowDigests

BLOCK = 1 << 20  # customers of a block; whole bytes of bits, so that no byte belongs to two


@dataclass(frozen=True, eq=False)
class TagPlanes:
    """Facts of all customers, from which each tag and each audience follows.

    A tag is true, false or unknown. Where a value is missing neither a rule nor its negation holds.

    Parameters
    ----------
    catalogue : TagCatalogue
    layout : Layout
        What each plane says.
    as_of : date
        What happened before this day is known.
    customers : CustomerNumbers
    blocks : sequence of numpy.ndarray of uint8, shape (planes, bytes)
        The planes of `Layout` for the customers of each block, in the order of their numbers.
    rows : RowDigests, optional
        Of the tables that they were made from; without it they can't be refreshed.
    """

    catalogue: TagCatalogue
    layout: Layout
    as_of: date
    customers: CustomerNumbers
    blocks: Sequence[Plane]
    rows: "RowDigests | None" = None

    def audience(self, rule: str, on: date | None = None, purpose: str | None = None) -> Audience:
        """Return the customers of whom a rule over tags is surely true.

        Parameters
        ----------
        rule : str
            Such as ``saver and not lost and churn_high``; tags alone.
        on : date, optional
            Day on which it is used; by default that of the store.
        purpose : str, optional
            What it is used for.

        Raises
        ------
        ConfigError
            If the text is no rule.
        InputError
            If it names no tag, a tag is older than it may be, or is not for the purpose; all that is wrong.
        """
        node = parse(rule, ANY_NAME)
        names = list(dict.fromkeys(test.column for test in columns(node)))
        breaches = [breach for name in names for breach in self._refused(name, on or self.as_of, purpose)]
        schema = dict.fromkeys(self.catalogue.tags, nw.Boolean())
        tests = (test for test in columns(node) if test.column in schema)
        breaches += [breach for test in tests for breach in breaches_of(test, schema)]
        if breaches:
            raise InputError(f"audience: {'; '.join(breaches)}")
        return Audience(self, rule, node)

    def counts(self) -> "pd.DataFrame":
        """Return of how many customers each tag is true, false and unknown.

        Returns
        -------
        pandas.DataFrame
            Indexed by tag; columns true, false, unknown.
        """
        import pandas as pd

        rows: dict[str, tuple[int, int, int]] = {}
        everybody = sum(int(np.bitwise_count(block[PRESENT]).sum()) for block in self.blocks)
        for name in self.catalogue.tags:
            truths = list(self.truths(tag_node(name)))
            true, false = (sum(int(np.bitwise_count(part[side]).sum()) for part in truths) for side in (0, 1))
            rows[name] = true, false, everybody - true - false
        return pd.DataFrame.from_dict(rows, orient="index", columns=["true", "false", "unknown"])

    def frame(self, names: Iterable[str] | None = None) -> "pd.DataFrame":
        """Return tags as columns ``tag_<name>`` of true, false and missing.

        Parameters
        ----------
        names : iterable of str, optional
            All tags without it.

        Returns
        -------
        pandas.DataFrame
            Indexed by customer_id, in ascending order.
        """
        import pandas as pd

        present = np.concatenate(
            [unpack(b[PRESENT], n) for b, n in zip(self.blocks, self.block_rows(), strict=True)]
        )
        ids = self.customers.texts(np.flatnonzero(present))
        order = np.argsort(ids, kind="stable")
        columns_: dict[str, Any] = {}
        for name in names or self.catalogue.tags:
            true, false = self._flags(name)
            values = pd.array(true[present][order], dtype="boolean")
            values[~(true | false)[present][order]] = pd.NA
            columns_[f"tag_{name}"] = values
        return pd.DataFrame(columns_, index=pd.Index(ids[order], name="customer_id", dtype="str"))

    def tags_of(self, customer_id: str) -> dict[str, bool | None]:
        """Return each tag of one customer: true, false, or None where it is unknown.

        Raises
        ------
        InputError
            If there is no such customer.
        """
        number = int(self.customers.find(np.array([customer_id.encode()]))[0])
        block, place = divmod(number, BLOCK)
        if number < 0 or not self.blocks[block][PRESENT, place >> 3] >> (place & 7) & 1:
            raise InputError(
                f"customer {customer_id!r} is not among the {len(self.customers):,} of the store"
            )
        only = self.blocks[block][:, place >> 3 : (place >> 3) + 1]
        found = {}
        for name in self.catalogue.tags:
            true, false = (
                bool(side[0] >> (place & 7) & 1) for side in self._block_truth(only, tag_node(name))
            )
            found[name] = True if true else False if false else None
        return found

    def truths(self, node: Node) -> Iterator[Truth]:
        """Give of whom a rule over tags is surely true and surely false, block by block."""
        for block in self.blocks:
            yield self._block_truth(block, node)

    def block_rows(self) -> list[int]:
        """Return the number of customers of each block."""
        whole = len(self.customers)
        return [min(BLOCK, whole - start) for start in range(0, whole, BLOCK)]

    def _flags(self, name: str) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
        pairs = [
            tuple(unpack(side, rows) for side in truth)
            for truth, rows in zip(self.truths(tag_node(name)), self.block_rows(), strict=True)
        ]
        true, false = (np.concatenate(sides) for sides in zip(*pairs, strict=True))
        return true, false

    def _block_truth(self, block: Plane, node: Node) -> Truth:
        return truth_of(node, BlockTruths(self.catalogue, self.layout, block))

    def _refused(self, name: str, on: date, purpose: str | None) -> list[str]:
        tag = self.catalogue.tags.get(name)
        if tag is None:
            import difflib

            near = difflib.get_close_matches(name, list(self.catalogue.tags), n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {len(self.catalogue.tags):,} tags"
            return [f"{name!r} is no tag; {hint}"]
        age, breaches = (on - self.as_of).days, []
        if tag.valid_days is not None and not 0 <= age < tag.valid_days:
            breaches.append(
                f"{name} holds for {tag.valid_days} days from {self.as_of}, not on {on}; refresh it"
            )
        if purpose is not None and tag.purposes and purpose not in tag.purposes:
            breaches.append(f"{name} is for {', '.join(tag.purposes)}, not for {purpose}")
        return breaches


def tag_schema(frame: "pd.DataFrame") -> Mapping[str, Any]:
    """Return the columns of a frame with their types as rules know them."""
    return nw.from_native(frame).schema
