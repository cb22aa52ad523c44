"""Time how long the report of a comparison takes to open in headless Chromium.

Three models, five tasks and 10,000 items with their prompts, drawn at random in the sizes of the
published benchmarks: the time depends on how much there is to show, not on what it says. Opened is
the time from asking for the file to the end of its load event, as the browser measures it; the
first paint and the time to the first rows of items, which are read when they come into view, stand
beside it. Each round is a browser context of its own. The size of the file counts too.

  python -m benchmarks.report_opening
  python -m benchmarks.report_opening --comparison DIR
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from fastscore.comparison.build import compare_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import Contender
from fastscore.report import write_report

MOST_SECONDS = 1.0
MOST_MEGABYTES = 2.0
TASKS = {"arc_easy": 2376, "hellaswag": 4000, "winogrande": 1267, "openbookqa": 500, "piqa": 1838}
MODELS = {"Q4_1": (98, 1.5, 0.3), "Q8_0": (145, 1.5, 0.1), "Q2_K": (60, 1.2, 0.9)}
"""Megabytes, skill and noise."""

_OPENED = """() => {
  const [navigation] = performance.getEntriesByType("navigation");
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return { opened: navigation.loadEventEnd / 1000, paint: paint ? paint.startTime / 1000 : null };
}"""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Report: time to open in headless Chromium", facts)
    comparison = Comparison.load(options.comparison) if options.comparison else _drawn()
    started = time.perf_counter()
    path = write_report(comparison, options.scratch / "report.html")
    megabytes = path.stat().st_size / 1e6
    print(f"  written in {time.perf_counter() - started:.1f} s, {megabytes:.2f} MB")
    rounds = _open(path, options)
    medians = {
        name: statistics.median(one[name] for one in rounds)
        for name in ("opened", "paint", "items")
    }
    for name, seconds in medians.items():
        print(f"  {name:<8}{seconds:>7.3f} s  (of {len(rounds)}, median)")
    figures = [
        Figure("opened", medians["opened"], "at most", MOST_SECONDS, "s"),
        Figure("first paint", medians["paint"], "at most", MOST_SECONDS, "s"),
        Figure("size", megabytes, "at most", MOST_MEGABYTES, "MB"),
    ]
    return conclude(figures, facts, {"rounds": rounds, "megabytes": megabytes}, options.report)


def _open(path: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    from playwright.sync_api import sync_playwright

    rounds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        print(f"  browser {browser.version}")
        for _ in range(options.rounds):
            page = browser.new_context(viewport={"width": 1200, "height": 800}).new_page()
            page.goto(path.as_uri())
            # Chromium reports a paint some milliseconds after it.
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
            one = page.evaluate(_OPENED)
            started = time.perf_counter()
            page.locator("#items").scroll_into_view_if_needed()
            page.wait_for_selector("#items .open-item")
            rounds.append({**one, "items": time.perf_counter() - started})
            page.context.close()
        browser.close()
    return rounds


def _drawn() -> Comparison:
    # The tests draw results at random too.
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from fake_results import make_results

    base, *others = (
        Contender(
            name,
            make_results(
                name,
                TASKS,
                megabytes=megabytes,
                skill=skill,
                noise=noise,
                seed=seed,
                log_prompts=True,
            ),
        )
        for seed, (name, (megabytes, skill, noise)) in enumerate(MODELS.items())
    )
    return compare_results(base, others, margin=0.02)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument(
        "--comparison", type=Path, metavar="DIR", help="open the report of this one instead"
    )
    options.add_argument(
        "--browser",
        default=os.environ.get("FASTSCORE_BROWSER")
        or shutil.which("chromium")
        or shutil.which("google-chrome"),
        help="default: FASTSCORE_BROWSER, else Chromium or Chrome (%(default)s)",
    )
    options.add_argument("--rounds", type=int, default=9, help="default: %(default)s")
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
