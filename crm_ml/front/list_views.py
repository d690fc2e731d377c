"""What a notebook shows of a list beside its rows: how good it is, and its page."""

import html
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crm_ml.decision.certificate import Certificate
from crm_ml.lists.page.certificate_part import price_in_words
from crm_ml.lists.page.overview_part import certificate_in_words
from crm_ml.pages import Currency

TEMPLATES = Path(__file__).with_name("templates")
_HEIGHT = 720


@dataclass(frozen=True)
class ListCertificate:
    """How good the allocation of a list is, in major units.

    Parameters
    ----------
    value : float
        What the list is worth: the sum of what the allocation maximised.
    bound : float
        No list within the same limits is worth more.
    gap : float
        Part of the bound that is not reached for certain.
    prices : tuple of str
        What one more unit of each limit that binds would be worth.
    compared : mapping of str to float
        What simpler ways earn within the same limits.
    currency : str
    sentence : str
        Value, bound and gap in words.
    """

    value: float
    bound: float
    gap: float
    prices: tuple[str, ...]
    compared: Mapping[str, float]
    currency: str
    sentence: str

    @classmethod
    def of(cls, certificate: Certificate, code: str) -> "ListCertificate":
        """Return the certificate of an allocation."""
        currency = Currency(code)
        unit = 10**currency.digits
        prices = (price_in_words(name, cents, currency) for name, cents in certificate.prices_cents.items())
        return cls(
            certificate.value_cents / unit,
            certificate.upper_bound_cents / unit,
            certificate.gap,
            tuple(f"{sentence} {worth}" for sentence, worth in prices),
            {name: cents / unit for name, cents in certificate.compared_cents.items()},
            code,
            certificate_in_words(certificate.facts, currency),
        )

    def __str__(self) -> str:
        return "\n".join([self.sentence, *self.prices, *(f"{way}: {worth}" for way, worth in self.ways)])

    __repr__ = __str__

    @property
    def ways(self) -> list[tuple[str, str]]:
        """The simpler ways with what they earn, the best first."""
        ordered = sorted(self.compared.items(), key=lambda way: (-way[1], way[0]))
        digits = Currency(self.currency).digits
        return [(name, f"{worth:,.{digits}f} {self.currency}") for name, worth in ordered]

    def _repr_html_(self) -> str:
        from crm_ml.pages.render import render

        return render(TEMPLATES, "certificate.html", certificate=self)


@dataclass(frozen=True)
class ListPage:
    """The page of a list, shown in a frame of its own in which nothing runs.

    Parameters
    ----------
    path : Path
        Of ``page.html``, which stands as long as the list.
    owner : object
        The list, whose files must outlive the page.
    """

    path: Path
    owner: object = field(default=None, repr=False)

    @property
    def html(self) -> str:
        """The page as text."""
        return self.path.read_text(encoding="utf-8")

    def open(self) -> bool:
        """Open the page in the browser; return whether there is one."""
        return webbrowser.open(self.path.resolve().as_uri())

    def _repr_html_(self) -> str:
        style = f"width:100%;height:{_HEIGHT}px;border:1px solid rgba(128,128,128,.3);background:#fff"
        text = html.escape(self.html, quote=True)
        sandbox = 'sandbox="allow-same-origin"'  # no script; a frame without an origin is not drawn to a PDF
        return f'<iframe title="page of the list" {sandbox} srcdoc="{text}" style="{style}"></iframe>'
