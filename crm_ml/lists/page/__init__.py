"""The page of a list: one HTML file that explains it to people, without anything from elsewhere."""

from crm_ml.lists.page.list_page import PAGE_FILE, page, write_page

__all__ = ["PAGE_FILE", "page", "write_page"]
