"""What mkdocs calls while it builds the site: generated pages, the order of pages, links out of ``docs/``."""

from pathlib import Path
from typing import Any

import api_pages
import command_pages
import notebook_pages
import settings_pages
import table_pages
from mkdocs.structure.files import File, Files
from narrow_tables import with_column_names
from outside_links import mended, site_path
from site_sections import navigation

PROJECT = Path(__file__).resolve().parents[2]
OUTSIDE = ("CHANGELOG.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "experiments/**/*.md")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made from code and those that lie outside of ``docs/``, and order all."""
    made = (api_pages, table_pages, settings_pages, command_pages, notebook_pages)
    for path, text in (page for module in made for page in module.pages().items()):
        files.append(File.generated(config, path, content=text))
    for path in _outside():
        name = path.relative_to(PROJECT).as_posix()
        files.append(File.generated(config, site_path(name), content=path.read_text(encoding="utf-8")))
    config["nav"] = navigation([file.src_uri for file in files.documentation_pages()])
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Let links of a page hold in the site."""
    outside = {
        site_path(name): name for name in (path.relative_to(PROJECT).as_posix() for path in _outside())
    }
    known = {file.src_uri for file in files}
    names = {outside.get(uri, f"docs/{uri}") for uri in known}
    source = outside.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return mended(markdown, source, names)


def on_page_content(html: str, **_: Any) -> str:
    """Let tables be read on a phone."""
    return with_column_names(html)


def _outside() -> list[Path]:
    return sorted(path for pattern in OUTSIDE for path in PROJECT.glob(pattern))
