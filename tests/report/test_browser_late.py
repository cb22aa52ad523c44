"""What is read late in a browser: the most telling first, and only where it is still asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from report_page import table_in

from fake_results import make_results
from fastscore import compare
from fastscore.report import write_report

# The next block that is read waits until `release` is called; `held` is settled when it does.
HOLD = """() => {
  const json = Response.prototype.json;
  const released = new Promise((go) => { window.release = go; });
  window.held = new Promise((waits) => {
    Response.prototype.json = async function () {
      Response.prototype.json = json;
      const value = await json.call(this);
      waits();
      await released;
      return value;
    };
  });
}"""
HELD = "() => held"
RELEASE = "() => { release(); return new Promise((go) => setTimeout(go, 100)); }"


def test_flips_open_with_the_task_that_has_most(open_page: Any, tmp_path: Path) -> None:
    base, other = (
        make_results(x, {"same": 30, "few": 20, "many": 90}, seed=i, noise=1.0)
        for i, x in enumerate("ab")
    )
    tasks = {**other.tasks, "same": base.tasks["same"]}
    comparison = compare(base, replace(other, tasks=tasks))
    flips = comparison["b"].flips
    assert list(flips) == ["same", "few", "many"]
    assert 0 == len(flips["same"]) < len(flips["few"]) < len(flips["many"])
    table = table_in(open_page(write_report(comparison, tmp_path / "r.html")), "flips")
    table.get_by_role("status").filter(has_text="of 90 items").wait_for()


def test_a_task_that_is_read_late_does_not_take_anothers_place(
    open_page: Any, compared: Path
) -> None:
    page = open_page(compared)
    table = table_in(page, "items")
    task, status = table.get_by_label("Task"), table.get_by_role("status")
    page.evaluate(HOLD)
    task.select_option(index=1)
    page.evaluate(HELD)
    assert status.inner_text() == "Reading…"
    assert table.locator(".open-item").count() == 0
    task.select_option(index=0)
    status.filter(has_text="400 of 400").wait_for()
    page.evaluate(RELEASE)
    assert status.inner_text().startswith("400 of 400")
    assert table.get_by_role("region").get_attribute("aria-label") == "Items of arc_easy"


def test_a_search_that_ends_late_is_not_for_another_task(open_page: Any, compared: Path) -> None:
    page = open_page(compared)
    table = table_in(page, "items")
    status = table.get_by_role("status")
    page.evaluate(HOLD)
    table.get_by_label("Search").fill("of arc_easy")
    page.evaluate(HELD)
    table.get_by_label("Task").select_option(index=1)
    status.filter(has_text="0 of 300").wait_for()
    page.evaluate(RELEASE)
    assert status.inner_text().startswith("0 of 300")
