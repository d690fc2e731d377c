"""How good a fitted model is: metrics beside the baselines, gates and notes, for notebooks and terminals."""

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from crm_ml.next_steps import mend_of
from crm_ml.train.record.metric_names import MODEL, MetricName, metric_names
from crm_ml.train.record.outcome import Gate

if TYPE_CHECKING:
    import pandas as pd

    from crm_ml.config import Run
    from crm_ml.train.record.outcome import Outcome

_TEMPLATES = Path(__file__).with_name("templates")
_ENDS = (".low", ".high")
_WIDTH = 110


@dataclass(frozen=True, eq=False)
class FitReport:
    """What a run says of its model on the test rows.

    Parameters
    ----------
    title : str
    summary : pandas.DataFrame
        A row for each model and each paired difference, with values and 95 % intervals as text.
    metrics : mapping of str to float
        ``test.<metric>``, ``baseline.<name>.<metric>`` and ``difference.<metric>``, with ``.low`` and
        ``.high``.
    gates : tuple of Gate
    notes : tuple of str
    reasons : tuple of str
        Why suggested settings are what they are.
    details : mapping of str to pandas.DataFrame
        Further tables of the run, such as ``"segments"``; not saved.
    """

    title: str
    summary: "pd.DataFrame"
    metrics: Mapping[str, float]
    gates: tuple[Gate, ...]
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    details: "Mapping[str, pd.DataFrame]" = field(default_factory=dict)

    @classmethod
    def of(
        cls, outcome: "Outcome", config: "Run", reasons: tuple[str, ...], of_tables: tuple[str, ...] = ()
    ) -> Self:
        """Return the report of an outcome; what was told of its tables stands first among the notes."""
        title = f"{config.register_as.name}, fitted as of {config.register_as.as_of}"
        return cls(
            title, outcome.summary, dict(outcome.metrics), outcome.gates, (*of_tables, *outcome.notes),
            reasons, outcome.tables,
        )  # fmt: skip

    @property
    def holds(self) -> bool:
        """Whether every gate holds."""
        return all(gate.passed for gate in self.gates)

    @property
    def mends(self) -> dict[str, str]:
        """Gates that fail, with what would mend them."""
        return {gate.name: mend_of(gate.name) for gate in self.gates if not gate.passed}

    @property
    def frame(self) -> "pd.DataFrame":
        """All metrics in rows: model, metric, value, low, high (of a 95 % interval)."""
        import pandas as pd

        rows = [
            {"model": _model(name), "metric": name.metric, "value": self.metrics[key]}
            | {end[1:]: self.metrics.get(f"{key}{end}", float("nan")) for end in _ENDS}
            for key, name in metric_names(self.metrics).items()
        ]
        return pd.DataFrame(rows, columns=["model", "metric", "value", "low", "high"])

    def __str__(self) -> str:
        from rich.console import Console

        from crm_ml.train.record.outcome_text import print_report

        text = io.StringIO()
        console = Console(file=text, width=_WIDTH, color_system=None)
        print_report(console, self.title, self.summary, self.notes, self.gates)
        for gate, mend in self.mends.items():
            console.print(f"{gate}: would be mended by {mend}", markup=False, soft_wrap=True)
        return text.getvalue().rstrip()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from crm_ml.pages.render import render

        rows = [[str(cell).split("\n") for cell in row] for row in self.summary.itertuples(index=False)]
        head = list(self.summary.columns)
        texts = head.index("model") + 1 if "model" in head else 0  # the columns that name a row
        return render(_TEMPLATES, "fit_report.html", report=self, head=head, rows=rows, texts=texts)

    def as_json(self) -> dict[str, Any]:
        """Return the report without `details` as plain data."""
        return {
            "title": self.title,
            "summary": self.summary.to_dict("list"),
            "metrics": dict(self.metrics),
            "gates": [asdict(gate) for gate in self.gates],
            "notes": list(self.notes),
            "reasons": list(self.reasons),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return the report that `as_json` gave."""
        import pandas as pd

        gates = tuple(Gate(**gate) for gate in content["gates"])
        summary = pd.DataFrame(content["summary"])
        notes, reasons = tuple(content["notes"]), tuple(content["reasons"])
        return cls(content["title"], summary, content["metrics"], gates, notes, reasons)


def _model(name: MetricName) -> str:
    """Return whose a metric is; of a difference ``model - <baseline>``, or ``difference`` to the best one."""
    if name.kind == "difference":
        return f"{MODEL} - {name.baseline}" if name.baseline else name.kind
    return name.baseline or (MODEL if name.kind else "")
