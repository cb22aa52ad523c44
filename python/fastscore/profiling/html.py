"""A profile as a small HTML table, for notebooks."""

from __future__ import annotations

from html import escape

from fastscore.profiling import rows
from fastscore.profiling.values import Profile


def to_html(profile: Profile) -> str:
    """Return speeds, facts and notes as an HTML fragment; every text in it is escaped."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in rows.headings(profile))
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for cells in rows.speed_rows(profile)
    )
    facts = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows.facts(profile)
    )
    return (
        f"<div><strong>{escape(rows.title(profile))}</strong>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<table><tbody>{facts}</tbody></table>"
        f"<small>{'<br>'.join(escape(note) for note in rows.notes(profile))}</small></div>"
    )
