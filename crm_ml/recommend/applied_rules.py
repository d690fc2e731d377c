"""An offer bound to the items of a fitted model: what each customer may get, by numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.recommend.cold_items import ColdItems
from crm_ml.recommend.interactions import CUSTOMER, ITEM, Ids, Ints, lookup
from crm_ml.recommend.list_rules import CoolDown, Scope
from crm_ml.recommend.offer import ALLOW, BLOCK, CATEGORY, RULE, Offer
from crm_ml.recommend.top_k import Caps, Mask

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Texts = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Bound:
    """Rules by numbers.

    Parameters
    ----------
    offer : Offer
    items : numpy.ndarray of str
        Items that were fitted, then cold ones.
    cold : ColdItems, optional
        Where the rules have exploration slots.
    """

    offer: Offer
    items: Ids
    cold: ColdItems | None

    @staticmethod
    def of(offer: Offer, items: Ids, k: int) -> "Bound":
        """Bind an offer to items that were fitted, for lists of k.

        Raises
        ------
        InputError
            If exploration would take the whole list.
        """
        slots = offer.rules.exploration_slots
        if slots >= k:
            raise InputError(
                f"exploration_slots is {slots}, of lists of {k}; leave at least one to the model"
            )
        if not slots or offer.items is None:
            return Bound(offer, items, None)
        cold = ColdItems.of(offer.items, items)
        return Bound(offer, np.concatenate([items, cold.ids]), cold)

    @property
    def exploring(self) -> int:
        """Places that go to cold items."""
        return self.offer.rules.exploration_slots if self.cold is not None and len(self.cold.ids) else 0

    @cached_property
    def caps(self) -> Caps | None:
        """Most items of each category in a list; items without a category are not capped."""
        rules = self.offer.rules
        if not rules.category_caps and rules.most_per_category is None:
            return None
        free = len(self.items)
        names, number = np.unique(self._categories, return_inverse=True)
        default = free if rules.most_per_category is None else rules.most_per_category
        most = [rules.category_caps.get(str(name), default) if name else free for name in names]
        return Caps(number.astype(np.int64), np.array(most, dtype=np.int64))

    def allowed(self, wanted: Ids, ages: "csr_array") -> Mask:
        """Return which items each customer may get, shape (b, n).

        Parameters
        ----------
        wanted : numpy.ndarray of str, shape (b,)
        ages : scipy.sparse.csr_array, shape (b, n_fitted)
            Days since each customer's last event of an item.
        """
        segments = self.segments(wanted)
        narrow = self._touched(wanted, segments, ALLOW)
        found = narrow | ~self._concerned(wanted, segments)[:, None]
        found &= ~self._touched(wanted, segments, BLOCK)
        found[:, np.isin(self._names, self.offer.rules.out_of_stock)] = False
        for one in self.offer.rules.cool_down:
            self._rest(found, ages, one)
        return found

    def segments(self, customers: Ids) -> Texts:
        """Return the segment of each customer, empty where there is none."""
        known = self.offer.segments or {}
        return np.array([known.get(str(one), "") for one in customers], dtype=str)

    def _touched(self, wanted: Ids, segments: Texts, rule: str) -> Mask:
        """Return the pairs that scopes or single pairs of a rule name, shape (b, n)."""
        found = np.zeros((len(wanted), len(self.items)), dtype=np.bool_)
        for scope, items in self._scopes[rule]:
            found[np.ix_(_rows_of(scope, segments), items)] = True
        pairs = self._pairs[rule]
        for row, customer in enumerate(wanted) if pairs else ():
            numbers = pairs.get(str(customer))
            if numbers is not None:
                found[row, numbers] = True
        return found

    def _concerned(self, wanted: Ids, segments: Texts) -> Mask:
        """Return to whom something is allowed by name, and so nothing else."""
        found = np.array([str(one) in self._pairs[ALLOW] for one in wanted], dtype=np.bool_)
        for scope in self.offer.rules.allow:
            found |= _rows_of(scope, segments)
        return found

    def _rest(self, found: Mask, ages: "csr_array", rule: CoolDown) -> None:
        """Leave out what was bought lately."""
        there = (
            np.isin(self._categories, rule.categories) if rule.categories else np.ones(len(self.items), bool)
        )
        recent = ages.data < rule.days
        rows = np.repeat(np.arange(len(found)), np.diff(ages.indptr))[recent]
        items = ages.indices[recent]
        if rule.whole_category:
            names, number = np.unique(self._categories, return_inverse=True)
            rested = np.zeros((len(found), len(names)), dtype=np.bool_)
            rested[rows, number[items]] = True
            rested[:, names == ""] = False
            found &= ~(rested[:, number] & there)
        kept = there[items]
        found[rows[kept], items[kept]] = False

    @cached_property
    def _names(self) -> Texts:
        return self.items.astype(str)

    @cached_property
    def _categories(self) -> Texts:
        table = self.offer.items
        if table is None:
            return np.full(len(self.items), "", dtype=str)
        named = dict(zip(table[ITEM].astype(str), table[CATEGORY].fillna("").astype(str), strict=True))
        return np.array([named.get(str(item), "") for item in self.items], dtype=str)

    @cached_property
    def _scopes(self) -> dict[str, list[tuple[Scope, Mask]]]:
        rules = self.offer.rules
        return {
            rule: [
                (one, np.isin(self._names, one.items) | np.isin(self._categories, one.categories))
                for one in scopes
            ]
            for rule, scopes in ((ALLOW, rules.allow), (BLOCK, rules.block))
        }

    @cached_property
    def _pairs(self) -> dict[str, Mapping[str, Ints]]:
        """Return by rule the numbers of the items of each customer, those that are known."""
        found: dict[str, Mapping[str, Ints]] = {ALLOW: {}, BLOCK: {}}
        if self.offer.pairs is None:
            return found
        order = np.argsort(self._names, kind="stable")
        place = lookup(self.items[order], self.offer.pairs[ITEM].astype(str))
        number = np.where(place >= 0, order[place], -1)
        for rule in found:
            mine = (self.offer.pairs[RULE] == rule).to_numpy()
            customers = self.offer.pairs.loc[mine, CUSTOMER].astype(str).to_numpy()
            found[rule] = _by_customer(customers, number[mine])
        return found


def _by_customer(customers: Ids, numbers: Ints) -> dict[str, Ints]:
    if not len(customers):
        return {}
    names, row, count = np.unique(customers.astype(str), return_inverse=True, return_counts=True)
    parts = np.split(numbers[np.argsort(row, kind="stable")], np.cumsum(count)[:-1])
    return {str(name): part[part >= 0] for name, part in zip(names, parts, strict=True)}


def _rows_of(scope: Scope, segments: Texts) -> Mask:
    if not scope.segments:
        return np.ones(len(segments), dtype=np.bool_)
    return np.asarray(np.isin(segments, scope.segments), dtype=np.bool_)
