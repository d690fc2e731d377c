"""A decided list, as a notebook uses it."""

import shutil
import weakref
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.errors import ConfigError
from crm_ml.front.list_explanation import Decisions, ListExplanation
from crm_ml.front.list_frame import funnel_of, rows_of
from crm_ml.front.list_notes import notes_of
from crm_ml.front.list_views import TEMPLATES, ListCertificate, ListPage
from crm_ml.lists.page.list_page import PAGE_FILE
from crm_ml.lists.read_list import LIST_FILE
from crm_ml.pages import Currency
from crm_ml.score.batch import TRACE, PublishedList
from crm_ml.score.list_job import ListJob
from crm_ml.score.prepared_list import earlier_of, pointer_of
from crm_ml.storage.group_access import group_of
from crm_ml.storage.manifest import copy_files
from crm_ml.storage.publish import publish

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = ["customer_id", "action_id", "channel", "expected_value", "cost", "reasons"]
_ROWS = 8


class DecidedList:
    """Who gets which action on a day, and why; `crm_ml.decide` makes it.

    Parameters
    ----------
    job : ListJob
    published : PublishedList
        The list in a folder below `home`.
    home : Path
        Folder of its own; removed when the object is gone.
    notes : tuple of str
        What its models are not.
    out : Path, optional
        Folder of all lists that `save` publishes into.
    """

    def __init__(
        self,
        job: ListJob,
        published: PublishedList,
        home: Path,
        notes: tuple[str, ...] = (),
        out: Path | None = None,
    ) -> None:
        self._job, self._published, self._home, self._out = job, published, home, out
        why_empty = published.funnel.why_empty
        self.notes = (*([why_empty] if why_empty else []), *notes, *notes_of(job))
        weakref.finalize(self, shutil.rmtree, home, ignore_errors=True)

    @property
    def list_id(self) -> str:
        """Hash of all that the list was made from; the same inputs give the same list to the byte."""
        return self._published.list_id

    @property
    def currency(self) -> str:
        """Code of the currency of all amounts."""
        return self._job.catalog.currency

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """The rows: one for each customer and slot, with reasons in words and money in major units.

        ``expected_value``, ``cost`` and ``clv`` stand beside their columns in cents; all columns are those of
        `crm_ml.lists.list_file`, with ``reasons`` and ``assumption`` in words.
        """
        path = self._published.folder / LIST_FILE
        return rows_of(path, self._job.header.actions, Currency(self.currency), self._job.tables.zone)

    @cached_property
    def funnel(self) -> "pd.DataFrame":
        """How many customers each step leaves, and how many end there for each action-channel."""
        return funnel_of(self._published.funnel)

    @property
    def certificate(self) -> ListCertificate:
        """How near the list comes to the best one within its limits, and what the limits cost."""
        return ListCertificate.of(self._published.certificate, self.currency)

    def page(self) -> ListPage:
        """Return the page that explains the list to people; a notebook shows it, ``.open()`` the browser."""
        return ListPage(self._published.folder / PAGE_FILE, self)

    def explain(self, customer_id: object) -> ListExplanation:
        """Say why a customer is in the list, or for each action the first reason why not.

        Parameters
        ----------
        customer_id : str or int

        Raises
        ------
        InputError
            If the customer is not known on the day.
        """
        features, weighed = (self._home / name for name in TRACE)
        day, currency = self._job.snapshot.as_of.date(), Currency(self.currency)
        actions, zone = self._job.header.actions, self._job.tables.zone
        abouts = {
            score: str(about)
            for source in self._job.models.sources
            if (about := getattr(source, "where", ""))
            for score in source.scores
        }
        decisions = Decisions(features, weighed, self.frame, actions, abouts, currency, zone, day)
        return decisions.explain(str(customer_id))

    def save(self, folder: str | Path | None = None, group: str | None = None) -> Path:
        """Publish the list, whole or not at all, as ``<folder>/<name>/<day>-<id>``.

        Parameters
        ----------
        folder : str or Path, optional
            Of all lists; `out` of `crm_ml.decide` without it.
        group : str, optional
            Group of the machine that may read the list, such as that of a campaign tool; without it the list
            is its owner's alone.

        Returns
        -------
        Path
            The folder of the list, for ``python -m crm_ml.score.export`` and ``.load``.

        Raises
        ------
        ConfigError
            If no folder is named, the group can't be given files, or the folder has earlier lists of the name
            that this one did not count as contacts.
        AlreadyPublished
            If the same list stands there.
        """
        out, readers = self._out if folder is None else Path(folder), group_of(group)
        if out is None:
            raise ConfigError('save: name the folder of all lists, such as list.save("lists")')
        header, day, policy = self._job.header, self._job.snapshot.as_of.date(), self._job.policy
        missed = set(earlier_of(out / policy.name, day, policy).ids) - set(header.earlier)
        if missed:
            raise ConfigError(
                f"save: {out / policy.name} has {len(missed)} earlier lists or evaluations that this list "
                f"does not know, so their rows were no contacts; decide with out={str(out)!r}, or under "
                "another name="
            )

        def fill(content: Path, _: Path) -> None:
            copy_files(self._published.folder, content)

        return publish(out / policy.name, header.folder, fill, pointer_of(header), readers)

    def __len__(self) -> int:
        return self._published.rows

    def __repr__(self) -> str:
        return "\n".join([self._title, self.certificate.sentence, *self.notes])

    @property
    def _title(self) -> str:
        amount, published = Currency(self.currency).amount, self._published
        return (
            f"{self._job.policy.name} of {self._job.snapshot.as_of.date()}: {published.rows:,} of "
            f"{published.funnel.customers:,} customers, worth {amount(published.expected_value_cents)} after "
            f"a cost of {amount(published.cost_cents)}"
        )

    def _repr_html_(self) -> str:
        from crm_ml.pages.render import render

        currency = Currency(self.currency)
        best = self.frame.nlargest(_ROWS, "expected_value_cents", keep="first")
        rows = [
            [row["customer_id"], row["action_id"], row["channel"], *(currency.amount(row[name]) for name in
             ("expected_value_cents", "cost_cents")), row["reasons"]]
            for row in best.to_dict("records")
        ]  # fmt: skip
        values = {"title": self._title, "sentence": self.certificate.sentence, "notes": self.notes}
        return render(TEMPLATES, "decided_list.html", **values, rows=rows)
