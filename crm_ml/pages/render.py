"""Pages from Jinja2 templates: every value is escaped, whatever it holds and wherever it stands."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from crm_ml.pages.charts import across
from crm_ml.pages.number_format import count, share, shortened
from crm_ml.pages.style import DARK, LIGHT

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def render(templates: Path, name: str, **values: object) -> str:
    """Return a page as text; it follows from the template and the values alone.

    Parameters
    ----------
    templates : Path
        Folder of the page's own templates; those of this package (``page.html``, ``blocks.html``,
        ``charts.html``) can be extended and imported from them by name.
    name : str
        File of the template.
    **values
        What the template shows. Texts are escaped; control characters and halves of surrogate pairs, which no
        document may have, become U+FFFD.

    Raises
    ------
    jinja2.UndefinedError
        If the template names a value that is not there.
    """
    return _environment(templates).get_template(name).render(values)


@cache
def _environment(templates: Path) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        finalize=_printable,
        loader=FileSystemLoader([templates, TEMPLATES]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    del environment.filters["safe"]
    environment.filters |= {"across": across, "quantity": count, "share": share, "shortened": shortened}
    environment.globals |= {"light": LIGHT, "dark": DARK}
    return environment


def _printable(value: object) -> object:
    """Return a value as text that is escaped afterwards; only what templates drew stays as it is."""
    from markupsafe import Markup

    return value if isinstance(value, Markup) else _CONTROL.sub("\ufffd", str(value))
