"""Results and comparisons shown: an HTML file, Markdown, CSV, plots.

``write_report(results, "report.html")`` is the whole of it; ``to_html``, ``to_markdown`` and
``to_csv`` give the same as texts, ``write_plots`` the plots as files.
"""

from fastscore.report.files import FORMATS, PLOT_FORMATS, prepare, write_plots, write_report
from fastscore.report.page import to_html
from fastscore.report.subject import Showable
from fastscore.report.tables import to_csv, to_markdown

__all__ = [
    "FORMATS",
    "PLOT_FORMATS",
    "Showable",
    "prepare",
    "to_csv",
    "to_html",
    "to_markdown",
    "write_plots",
    "write_report",
]
