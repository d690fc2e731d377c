"""The rules of an offer, applied to the items of a fitted model."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.recommend.cold_items import ColdItems
from crm_ml.recommend.interactions import CUSTOMER, ITEM, Ids, Ints, lookup
from crm_ml.recommend.list_rules import ItemCoolDown, Scope
from crm_ml.recommend.offer import ALLOW, BLOCK, CATEGORY, RULE, Offer
from crm_ml.recommend.top_k import Caps, Mask
from crm_ml.tables.column_kinds import names_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Texts = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class AppliedRules:
    """Rules of an offer in terms of item numbers.

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
    def of(offer: Offer, items: Ids, k: int) -> "AppliedRules":
        """Apply an offer to the fitted items, for lists of k.

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
            return AppliedRules(offer, items, None)
        cold = ColdItems.of(offer.items, items)
        return AppliedRules(offer, np.concatenate([items, cold.ids]), cold)

    @property
    def exploring(self) -> int:
        """Number of places reserved for cold items."""
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
        """Return the mask of items that may be recommended to each customer, shape (b, n).

        Parameters
        ----------
        wanted : numpy.ndarray of str, shape (b,)
        ages : scipy.sparse.csr_array, shape (b, n_fitted)
            Days since each customer's last event of an item.
        """
        segments = self.segments(wanted)
        narrow = self._touched(wanted, segments, ALLOW)
        mask = narrow | ~self._concerned(wanted, segments)[:, None]
        mask &= ~self._touched(wanted, segments, BLOCK)
        mask[:, np.isin(self._names, self.offer.rules.out_of_stock)] = False
        for rule in self.offer.rules.cool_down:
            self._rest(mask, ages, rule)
        return mask

    def segments(self, customers: Ids) -> Texts:
        """Return the segment of each customer, empty where there is none."""
        known = self.offer.segments or {}
        return np.array([known.get(str(customer), "") for customer in customers], dtype=str)

    def _touched(self, wanted: Ids, segments: Texts, rule: str) -> Mask:
        """Return the mask of pairs that a rule names by scope or singly, shape (b, n)."""
        mask = np.zeros((len(wanted), len(self.items)), dtype=np.bool_)
        for scope, items in self._scopes[rule]:
            mask[np.ix_(_rows_of(scope, segments), items)] = True
        pairs = self._pairs[rule]
        for row, customer in enumerate(wanted) if pairs else ():
            numbers = pairs.get(str(customer))
            if numbers is not None:
                mask[row, numbers] = True
        return mask

    def _concerned(self, wanted: Ids, segments: Texts) -> Mask:
        """Return the customers who have an allow rule, and so may get nothing else, shape (b,)."""
        restricted = np.array([str(customer) in self._pairs[ALLOW] for customer in wanted], dtype=np.bool_)
        for scope in self.offer.rules.allow:
            restricted |= _rows_of(scope, segments)
        return restricted

    def _rest(self, mask: Mask, ages: "csr_array", rule: ItemCoolDown) -> None:
        """Clear the items in the mask that were bought too recently."""
        there = (
            np.isin(self._categories, rule.categories) if rule.categories else np.ones(len(self.items), bool)
        )
        recent = ages.data < rule.days
        rows = np.repeat(np.arange(len(mask)), np.diff(ages.indptr))[recent]
        items = ages.indices[recent]
        if rule.whole_category:
            names, number = np.unique(self._categories, return_inverse=True)
            rested = np.zeros((len(mask), len(names)), dtype=np.bool_)
            rested[rows, number[items]] = True
            rested[:, names == ""] = False
            mask &= ~(rested[:, number] & there)
        concerned = there[items]
        mask[rows[concerned], items[concerned]] = False

    @cached_property
    def _names(self) -> Texts:
        return self.items.astype(str)

    @cached_property
    def _categories(self) -> Texts:
        table = self.offer.items
        if table is None:
            return np.full(len(self.items), "", dtype=str)
        named = dict(zip(names_of(table[ITEM]), table[CATEGORY].fillna("").astype(str), strict=True))
        return np.array([named.get(str(item), "") for item in self.items], dtype=str)

    @cached_property
    def _scopes(self) -> dict[str, list[tuple[Scope, Mask]]]:
        rules = self.offer.rules
        return {
            rule: [
                (scope, np.isin(self._names, scope.items) | np.isin(self._categories, scope.categories))
                for scope in scopes
            ]
            for rule, scopes in ((ALLOW, rules.allow), (BLOCK, rules.block))
        }

    @cached_property
    def _pairs(self) -> dict[str, Mapping[str, Ints]]:
        """Return by rule the numbers of the items of each customer, those that are known."""
        numbers_of: dict[str, Mapping[str, Ints]] = {ALLOW: {}, BLOCK: {}}
        if self.offer.pairs is None:
            return numbers_of
        order = np.argsort(self._names, kind="stable")
        place = lookup(self.items[order], names_of(self.offer.pairs[ITEM]))
        number = np.where(place >= 0, order[place], -1)
        for rule in numbers_of:
            mine = (self.offer.pairs[RULE] == rule).to_numpy()
            customers = names_of(self.offer.pairs.loc[mine, CUSTOMER])
            numbers_of[rule] = _by_customer(customers, number[mine])
        return numbers_of


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
