"""One randomised campaign in one file, a customer a row, as customer tables.

Such files have no dates. The draw is put on one day, responses and orders on the next, and customers are
registered before it, so that they are known then. These times order what happened and mean nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crm_ml.datasets._installed import required_path
from crm_ml.tables.bundle import Tables
from crm_ml.tables.cleaning import Progress
from crm_ml.tables.mapping import parse_mapping
from crm_ml.tables.queries import FilesQuery
from crm_ml.tables.table_cache import load_tables

KNOWN, DRAWN, DONE, ENDS = "2008-03-01", "2008-03-20", "2008-03-21", "2008-04-02"


@dataclass(frozen=True)
class OneTrial:
    """Columns of the file of a trial and their meaning; expressions are SQL over the columns.

    Parameters
    ----------
    name, channel : str
        Of the data set, which names its campaign, and of the messages.
    types : mapping of str to str
        SQL type of each column of the CSV file, in its order.
    customer_id, arm : str
        Expressions; ``n`` is the number of the row, and the untreated arm must be ``'control'``.
    probability : str
        Expression of the declared probability of the row's arm.
    attributes : mapping of str to str
        Column to its kind, ``"text"``, ``"integer"`` or ``"number"``.
    responses : mapping of str to str
        Kind of response to the SQL condition of it.
    paid : str
        Expression of what was paid, in the currency's major unit.
    """

    name: str
    channel: str
    types: Mapping[str, str]
    customer_id: str
    arm: str
    probability: str
    attributes: Mapping[str, str]
    responses: Mapping[str, str] = field(default_factory=dict)
    paid: str = "0"

    def load(self, path: Path | None = None, progress: Progress | None = None) -> Tables:
        """Load the tables of the trial.

        Parameters
        ----------
        path : Path
            The CSV file.
        progress : callable, optional
            Called with the name of each step.

        Returns
        -------
        Tables
            With customers, items, order_lines, campaigns, assignments, touches and responses.

        Raises
        ------
        InputError
            If no path is given or the file is damaged.
        """
        path = required_path(path, self.name, "CSV")
        mapping = parse_mapping(self._mapping(), self.name)
        files = {"file": path}
        sources = {
            name: FilesQuery(query, files if "{file}" in query else {})
            for name, query in self._queries().items()
        }
        return load_tables(mapping, dict(sources), path.parent, progress)

    def _queries(self) -> dict[str, str]:
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in self.types.items())
        read = f"read_csv({{file}}, header = true, auto_detect = false, columns = {{{{{columns}}}}})"
        rows = f"(SELECT *, {self.customer_id} AS customer_id, {self.arm} AS arm "
        rows += f"FROM (SELECT row_number() OVER () AS n, * FROM {read}))"
        kinds = " UNION ALL ".join(
            f"SELECT n, customer_id, '{kind}' AS kind FROM {rows} WHERE {condition}"
            for kind, condition in self.responses.items()
        )
        campaign = f"'{self.name}' AS campaign_id"
        return {
            "customers": f"SELECT customer_id, '{KNOWN}' AS registered_at, {', '.join(self.attributes)} "
            f"FROM {rows} ORDER BY n",
            "campaigns": f"SELECT {campaign}, '{self.channel}' AS kind, '{self.channel}' AS channel, "
            f"'{DRAWN}' AS starts_at, '{ENDS}' AS ends_at",
            "assignments": f"SELECT {campaign}, customer_id, '{DRAWN}' AS assigned_at, arm, "
            f"{self.probability} AS probability FROM {rows} ORDER BY n",
            "touches": f"SELECT {campaign}, customer_id, '{DRAWN}' AS sent_at, '{self.channel}' AS channel "
            f"FROM {rows} WHERE arm <> 'control' ORDER BY n",
            "responses": f"SELECT {campaign}, customer_id, '{DONE}' AS responded_at, kind FROM ({kinds}) "
            "ORDER BY n, kind",
            "order_lines": "SELECT customer_id, customer_id AS order_id, '1' AS line_id, 'item' AS item_id, "
            f"'{DONE}' AS ordered_at, paid AS paid_cents FROM (SELECT *, {self.paid} AS paid FROM {rows}) "
            "WHERE paid > 0 ORDER BY n",
        }

    def _mapping(self) -> dict[str, object]:
        attributes = {name: {"column": name, "kind": kind} for name, kind in self.attributes.items()}
        paid = {"column": "paid_cents", "unit": "major"}
        return {
            "name": self.name,
            "timezone": "UTC",
            "tables": {
                "customers": {"attributes": attributes},
                "items": {"ids_of": ["order_lines"]},
                "order_lines": {"columns": {"paid_cents": paid}, "one_day": True},
                **{name: {} for name in ("campaigns", "assignments", "touches", "responses")},
            },
        }
