"""Links out of ``docs/``: they work in the repository; here each gets what stands for it in the site."""

import os
import re
from collections.abc import Collection
from pathlib import PurePosixPath

LINK = re.compile(r"(?P<bang>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]*)(?P<anchor>#[^)\s]*)?\)")
FENCE = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)
SCHEME = re.compile(r"[a-z]+:")


def site_path(source: str) -> str:
    """Return where a Markdown file of the repository lies in the site.

    Examples
    --------
    >>> site_path("docs/glossary.md"), site_path("CHANGELOG.md"), site_path("experiments/001/README.md")
    ('glossary.md', 'changelog.md', 'experiments/001/README.md')
    """
    if source.startswith("docs/"):
        return source.removeprefix("docs/")
    return source if "/" in source else source.lower()


def mended(text: str, source: str, pages: Collection[str]) -> str:
    """Return Markdown whose links hold in the site.

    A link to a page of `pages` goes to that page; one to another file of the repository becomes the path of
    the file as code, since the site shows no source.

    Parameters
    ----------
    text : str
    source : str
        Path of the file in the repository, such as ``"docs/how_to/tables.md"``.
    pages : collection of str
        Paths in the repository of all that the site has.

    Examples
    --------
    >>> mended("[it](../../crm_ml/x.py), [why](../../README.md)", "docs/how_to/a.md", ["README.md"])
    'it (`crm_ml/x.py`), [why](../readme.md)'
    """
    return "".join(
        part if part.startswith("```") else LINK.sub(lambda link: _link(link, source, pages), part)
        for part in FENCE.split(text)
    )


def _link(link: re.Match[str], source: str, pages: Collection[str]) -> str:
    target, text = link["target"], link["text"]
    if not target or SCHEME.match(target):
        return link[0]
    wanted = os.path.normpath(PurePosixPath(source).parent / target)
    if wanted in pages:
        here = PurePosixPath(site_path(source)).parent
        return f"{link['bang']}[{text}]({os.path.relpath(site_path(wanted), here)}{link['anchor'] or ''})"
    if wanted.startswith("docs/") or wanted.startswith(".."):
        return link[0]  # a page that is not there: mkdocs says so
    return f"`{wanted}`" if wanted in text or text.strip("`") in wanted else f"{text} (`{wanted}`)"
