"""Pages: templates, charts, style and number formats that every page of the package is drawn with."""

from crm_ml.pages.charts import (
    Bar,
    BarChart,
    Estimate,
    EstimateChart,
    HourChart,
    ReliabilityBin,
    ReliabilityChart,
)
from crm_ml.pages.number_format import Currency, count, listed, share, shortened
from crm_ml.pages.render import render

__all__ = [
    "Bar",
    "BarChart",
    "Currency",
    "Estimate",
    "EstimateChart",
    "HourChart",
    "ReliabilityBin",
    "ReliabilityChart",
    "count",
    "listed",
    "render",
    "share",
    "shortened",
]
