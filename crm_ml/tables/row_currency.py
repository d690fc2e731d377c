"""The currency of the money of a row, as SQL: its minor units, and its rate to the declared one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from crm_ml.tables.currencies import MINOR_DIGITS, minor_digits, minor_per_major, signs_of
from crm_ml.tables.row_checks import Check
from crm_ml.tables.sql import literal

_AMOUNT = "DECIMAL(19, 0)"  # any integer of 64 bits; decimals of 18 digits are multiplied in 64 bits


def code_in_capitals(code: str) -> str:
    """Return the SQL of a currency code whose three small letters are capitals; ``GBp``, pence, stays."""
    return f"CASE WHEN regexp_full_match({code}, '[a-z]{{3}}') THEN upper({code}) ELSE {code} END"


@dataclass(frozen=True)
class RowCurrency:
    """Currency of the amounts of a row.

    Parameters
    ----------
    code : str
        Declared currency of all accepted money, and of rows that name none; empty where nothing is declared.
    rates : mapping of str to str
        By code of other currencies: major units of the declared one for one of theirs.
    row : str
        SQL of the code that a row names; empty where rows name none.
    """

    code: str = ""
    rates: Mapping[str, str] = field(default_factory=dict, hash=False)
    row: str = ""

    def per_major(self) -> str:
        """Return the SQL of the number of minor units in a major one.

        Rows of a currency that is neither declared nor has a rate are refused later.
        """
        usual = minor_per_major(self.code)
        named = self.rates if self.code else MINOR_DIGITS
        others = {code: units for code in named if (units := minor_per_major(code)) != usual}
        if not self.row or not others:
            return str(usual)
        cases = " ".join(f"WHEN {literal(code)} THEN {units}" for code, units in others.items())
        return f"CASE {self.row} {cases} ELSE {usual} END"

    def has_sign(self, sign: str) -> str:
        """Return the SQL of whether a text is a sign or the code of the row's currency.

        Without a currency nothing is: a sign alone, such as that of all dollars, does not tell one.
        """
        codes = [*([self.code] if self.code else []), *self.rates]
        signs = {code: literal("|".join(map(re.escape, signs_of(code)))) for code in codes}
        usual = (
            f"regexp_full_match({sign}, {signs[self.code]})"
            if self.code
            else f"{sign} = {self.row or 'NULL'}"
        )
        if not self.row:
            return f"coalesce({usual}, false)"
        cases = " ".join(
            f"WHEN {literal(code)} THEN regexp_full_match({sign}, {signs[code]})" for code in self.rates
        )
        named = f"CASE {self.row} {cases} ELSE {usual} END" if cases else usual
        return f"coalesce({named}, false)"

    def unnamed(self) -> list[Check]:
        """Return the check of rows that name no currency, and so are in the declared one."""
        return [Check("filled", "currency", "currency IS NULL", "fix")] if self.row and self.code else []

    def converted(self, value: str) -> str:
        """Return the SQL of an amount in minor units of the declared currency, null where it is too large.

        Parameters
        ----------
        value : str
            SQL of an integer in minor units of the row's currency.
        """
        if not self.row or not self.rates:
            return value
        amount = f"CAST({value} AS {_AMOUNT})"
        products = {code: f"TRY_CAST(TRY({amount} * {self._rate(code)}) AS BIGINT)" for code in self.rates}
        cases = " ".join(f"WHEN {literal(code)} THEN {product}" for code, product in products.items())
        return f"CASE {self.row} {cases} ELSE {value} END"

    def _rate(self, code: str) -> str:
        """Return the SQL of the minor units of the declared currency for one minor unit of another."""
        rate = Decimal(self.rates[code]).scaleb(minor_digits(self.code) - minor_digits(code)).normalize()
        text = f"{rate:f}"
        whole, _, rest = text.partition(".")
        return f"CAST({literal(text)} AS DECIMAL({len(whole) + len(rest)}, {len(rest)}))"
