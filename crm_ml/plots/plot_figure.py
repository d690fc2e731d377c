"""The figure of every plot: white whatever the style around it, shown by notebooks, the same bytes again."""

import io
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_UNDATED: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "ps": {"CreationDate": None},
    "eps": {"CreationDate": None},
}


class PlotFigure(Figure):
    """A figure without pyplot, of a size in inches.

    Files of it are white also under a dark style and hold no date, so equal plots are equal bytes.
    """

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height), dpi=120, layout="constrained", facecolor="white")
        FigureCanvasAgg(self)

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure; options as of matplotlib, with a white ground and without a date by default."""
        kind = str(options.get("format") or Path(str(fname)).suffix.removeprefix(".")).lower()
        options = {"facecolor": "white", "edgecolor": "white", "dpi": "figure"} | options
        if kind in _UNDATED:
            options["metadata"] = _UNDATED[kind] | dict(options.get("metadata") or {})
        with rc_context({"svg.hashsalt": "crm_ml"} if kind == "svg" else {}):
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()
