"""Names of models, runs and columns that look like markup are shown as they are."""

import io

import pandas as pd
from rich.console import Console

from crm_ml.train.record.outcome_text import print_report

EVIL = "[/red][link=file:///etc]x"


def test_reports_of_training_show_names_as_they_are() -> None:
    text = io.StringIO()
    summary = pd.DataFrame({"model": [EVIL], EVIL: [EVIL]})
    print_report(Console(file=text, width=300), EVIL, summary, [EVIL], [])
    assert text.getvalue().count(EVIL) == 5
