"""How tests find their way about a report."""

from __future__ import annotations

from typing import Any


def table_in(page: Any, section: str) -> Any:
    """Bring a table of items into view, and wait for its rows."""
    page.locator(f"#{section}").scroll_into_view_if_needed()
    page.wait_for_selector(f"#{section} .open-item")
    return page.locator(f"#{section}")
