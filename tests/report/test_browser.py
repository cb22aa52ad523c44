"""The report in a real browser: opened from disk, walked through, and nothing to complain of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_page import table_in

from fake_results import EVIL, make_results
from fastscore.comparison.comparison import Comparison
from fastscore.report import write_report
from fastscore.results import Results

CONTRAST = Path(__file__).with_name("contrast.js")

FOCUSED = """() => {
  const one = document.activeElement;
  return [one.closest("section")?.id, one.tagName, one.className, one.type ?? ""].join(" ");
}"""


def _numbers(table: Any) -> list[int]:
    return [int(text) for text in table.locator(".open-item").all_inner_texts()]


def _column(table: Any, index: int) -> list[float]:
    """The numbers in a column of the page that is shown; what is not known is left out."""
    cells = table.locator(f"tbody tr > td:nth-child({index + 1})").all_inner_texts()
    return [float(cell.split()[0]) for cell in cells if cell != "n/a"]


def test_the_item_table_sorts_by_any_column(open_page: Any, compared: Path) -> None:
    table = table_in(open_page(compared), "items")
    assert _numbers(table) == list(range(50))
    header = table.locator("thead th").nth(3)
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    falling = _column(table, 3)
    assert len(falling) == 50
    assert falling == sorted(falling, reverse=True)
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    rising = _column(table, 3)
    assert rising == sorted(rising)
    assert rising[-1] < falling[0]
    assert table.locator("thead th[aria-sort]").count() == 1


def test_the_item_table_filters_by_outcome_and_text(
    open_page: Any, compared: Path, three: list[Results]
) -> None:
    table = table_in(open_page(compared), "items")
    show, search = table.get_by_label("Show"), table.get_by_label("Search")
    samples = [one.tasks["arc_easy"].samples for one in three]
    right = [[one.scores["acc_norm"].value == 1 for one in of_model] for of_model in samples]
    expected = {
        "all right": [i for i in range(400) if all(r[i] for r in right)],
        "all wrong": [i for i in range(400) if not any(r[i] for r in right)],
        "models differ": [i for i in range(400) if len({r[i] for r in right}) > 1],
        "Q2_K wrong": [i for i in range(400) if not right[2][i]],
    }
    for option, numbers in expected.items():
        show.select_option(label=option)
        table.get_by_role("status").filter(has_text=f"{len(numbers):,} of 400").wait_for()
        assert _numbers(table) == numbers[:50]
    show.select_option(label="all")
    search.fill("QUESTION 17 of arc_easy")
    table.get_by_role("status").filter(has_text="1 of 400").wait_for()
    assert _numbers(table) == [17]
    search.fill("no such words anywhere")
    table.get_by_role("status").filter(has_text="0 of 400").wait_for()
    assert table.get_by_text("No items").is_visible()


def test_pages_turn(open_page: Any, compared: Path) -> None:
    table = table_in(open_page(compared), "items")
    assert table.get_by_role("button", name="Previous").is_disabled()
    table.get_by_role("button", name="Next").click()
    assert _numbers(table) == list(range(50, 100))
    for _ in range(6):
        table.get_by_role("button", name="Next").click()
    assert _numbers(table) == list(range(350, 400))
    assert table.get_by_role("button", name="Next").is_disabled()
    assert table.get_by_text("351 to 400 of 400").is_visible()


def test_flips_are_those_of_the_comparison(
    open_page: Any, compared: Path, comparison: Comparison
) -> None:
    table = table_in(open_page(compared), "flips")
    table.get_by_label("Candidate").select_option(label="Q2_K")
    for task in ("arc_easy", "hellaswag"):
        table.get_by_label("Task").select_option(index=0 if task == "arc_easy" else 1)
        one = comparison["Q2_K"][task]
        said = f"{one.n_lost} lost and {one.n_gained} gained of {one.n} items"
        table.get_by_role("status").filter(has_text=said).wait_for()
        flips = {flip.doc_id: flip for flip in comparison["Q2_K"].flips[task]}
        shown = _numbers(table)
        assert shown
        assert set(shown) <= set(flips)
        first = flips[shown[0]]
        assert first.base_probabilities is not None
        assert first.candidate_probabilities is not None
        (gold,) = first.gold
        row = table.locator("tbody tr").first.locator("td").all_inner_texts()
        assert float(row[4].split()[0]) == pytest.approx(
            100 * first.base_probabilities[gold], abs=0.06
        )
        assert float(row[6].split()[0]) == pytest.approx(
            100 * first.candidate_probabilities[gold], abs=0.06
        )


def test_a_row_opens_to_prompt_and_chances(
    open_page: Any, compared: Path, three: list[Results]
) -> None:
    table = table_in(open_page(compared), "items")
    row = table.get_by_role("button", name="Item 3", exact=True)
    row.click()
    panel = table.locator(".panel")
    panel.get_by_text("Question 3 of arc_easy").wait_for()
    sample = three[0].tasks["arc_easy"].samples[3]
    for choice in sample.continuations:  # type: ignore[union-attr]
        assert panel.get_by_text(choice.strip()).first.is_visible()
    assert panel.locator(".choice.gold").count() == 1
    assert panel.locator(".chance").count() == 4 * 3
    assert row.get_attribute("aria-expanded") == "true"
    row.click()
    assert panel.count() == 0


@pytest.mark.parametrize("width", [390, 1200])
def test_a_choice_is_seen_beside_a_long_name(open_page: Any, tmp_path: Path, width: int) -> None:
    results = make_results("A-model-with-a-long-name-Instruct.Q4_K_M", {"t": 3})
    size = {"width": width, "height": 800}
    page = open_page(write_report(results, tmp_path / "report.html"), viewport=size)
    table = table_in(page, "items")
    table.get_by_role("button", name="Item 0", exact=True).click()
    chosen = table.locator(".who strong")
    chosen.wait_for()
    within, own = chosen.locator("xpath=..").bounding_box(), chosen.bounding_box()
    assert own["x"] + own["width"] <= within["x"] + within["width"] + 1


def test_all_can_be_done_with_the_keyboard(open_page: Any, compared: Path) -> None:
    page = open_page(compared)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    table_in(page, "items")
    seen: list[str] = []
    for _ in range(300):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
        if seen[-1] == "items BUTTON open-item button":
            break
    assert seen[-1] == "items BUTTON open-item button"
    assert [one for one in seen if one.startswith("items SELECT")]
    assert "items INPUT  search" in seen
    assert "items BUTTON  button" in seen  # of the headers
    assert "items DIV scroll " in seen  # a table that scrolls sideways
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.locator("#items .panel").get_by_text("Question 1 of arc_easy").wait_for()


def test_colours_follow_the_system_and_the_button(open_page: Any, compared: Path) -> None:
    for scheme, other in (("dark", "light"), ("light", "dark")):
        page = open_page(compared, color_scheme=scheme)
        ground = "getComputedStyle(document.body).backgroundColor"
        series = "getComputedStyle(document.querySelector('figure .f-m1')).fill"
        before = page.evaluate(f"[{ground}, {series}]")
        page.get_by_role("button", name=f"Use {other} colours").click()
        after = page.evaluate(f"[{ground}, {series}]")
        assert before[0] != after[0]
        assert before[1] != after[1]
        assert page.get_by_role("button", name=f"Use {scheme} colours").is_visible()


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_never_scrolls_sideways(open_page: Any, compared: Path, width: int) -> None:
    page = open_page(compared, viewport={"width": width, "height": 800}, has_touch=True)
    for section in ("flips", "items"):
        table = table_in(page, section)
        table.locator(".open-item").first.click()
        table.locator(".panel pre").first.wait_for()
        panel = table.locator(".panel").first.bounding_box()
        assert panel["x"] >= 0
        assert panel["x"] + panel["width"] <= width
    for more in page.locator("summary").all():
        more.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for figure in page.locator("figure svg").all():
        assert figure.bounding_box()["width"] <= width


@pytest.mark.parametrize("name", ["A-model-with-a-long-name-Instruct.Q4_K_M", "x" * 60])
def test_a_long_name_leaves_room_beside_it(open_page: Any, tmp_path: Path, name: str) -> None:
    file = write_report(make_results(name, {"t": 3}), tmp_path / "report.html")
    page = open_page(file, viewport={"width": 390, "height": 800})
    assert page.locator("#costs th[scope=row]").bounding_box()["width"] < 390 / 2


def test_names_from_a_strangers_file_do_no_harm(open_page: Any, tmp_path: Path) -> None:
    tasks = {EVIL * 3: 9}
    several = [make_results(f"{EVIL * 3}{i}", tasks, seed=i, log_prompts=True) for i in range(2)]
    path = write_report(several, tmp_path / "report.html")
    page = open_page(path, viewport={"width": 390, "height": 800})
    table = table_in(page, "items")
    table.locator(".open-item").first.click()
    table.locator(".panel pre").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("img").count() == 0


def test_texts_are_read_large_enough_and_with_contrast(open_page: Any, compared: Path) -> None:
    """WCAG's 4.5 to 1 for every text of the plots and the tables, in light and in dark."""
    for scheme in ("light", "dark"):
        page = open_page(compared, color_scheme=scheme)
        table_in(page, "items")
        worst = page.evaluate(CONTRAST.read_text(encoding="utf-8"))
        assert worst["ratio"] >= 4.5, worst


def test_paper_shows_what_is_folded_away(open_page: Any, compared: Path) -> None:
    page = open_page(compared)
    page.emulate_media(media="print")
    assert not page.locator("nav.sections").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator("#scores table").is_visible()


def test_texts_that_a_model_wrote_are_shown_as_texts(
    open_page: Any, written: Results, tmp_path: Path
) -> None:
    page = open_page(write_report(written, tmp_path / "report.html"))
    table = table_in(page, "items")
    table.locator(".open-item").first.click()
    panel = table.locator(".panel")
    panel.get_by_text("</script><b>forty-two</b>").wait_for()
    assert panel.locator("b").count() == 0
    assert panel.get_by_text("42", exact=True).first.is_visible()
