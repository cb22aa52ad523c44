from __future__ import annotations

import base64
import gzip
import hashlib
import html.parser
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_results import EVIL, make_results
from fastscore.comparison.build import compare_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import Contender
from fastscore.errors import ResultsError, UsageError
from fastscore.report import page as page_module
from fastscore.report import prepare, to_html, write_report
from fastscore.report.page import MOST_BYTES
from fastscore.results import Results


@pytest.fixture(scope="module")
def text(comparison: Comparison) -> str:
    return to_html(comparison)


class Page(html.parser.HTMLParser):
    """What a browser would make of the page: elements with their attributes, texts by place."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.blocks: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))
        if self.open and self.open[-1] == "script":
            self.blocks[str(self.elements[-1][1].get("id"))] = data

    def said(self) -> str:
        return " ".join(
            "".join(t for tag, t in self.texts if tag not in ("script", "style")).split()
        )


def unpacked(page: Page, name: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(page.blocks[name])))


def test_a_page_says_what_a_run_found(three: list[Results]) -> None:
    page = Page(to_html(three[0]))
    said = page.said()
    for task in ("arc_easy", "hellaswag"):
        for metric in ("acc", "acc_norm"):
            value = three[0].tasks[task].metrics[metric]
            assert f"{value.value:.4f} ± {value.stderr:.4f}" in said
    assert "engine n batch" in said
    assert "llama-cpp-python" in said
    assert page.open == []


def test_the_page_holds_all_and_asks_for_nothing(text: str) -> None:
    page = Page(text)
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "form", "base")
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert "http:" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "url(" not in text
    assert "@import" not in text


def test_the_policy_names_the_one_style_and_the_one_script(text: str) -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    policy = policy.replace("&#39;", "'")
    for kind, tag in (("style", "style"), ("script", "script")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_ids_are_there_once_and_references_lead_somewhere(text: str) -> None:
    page = Page(text)
    ids = [str(a["id"]) for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        wanted = (attributes.get("aria-labelledby") or "").split()
        if (link := attributes.get("href")) is not None:
            wanted.append(link.removeprefix("#"))
        assert set(wanted) <= set(ids)


def test_every_plot_says_its_numbers_in_words(comparison: Comparison, text: str) -> None:
    page = Page(text)
    described = [text for tag, text in page.texts if tag == "desc"]
    n_plots = sum(tag == "svg" and a.get("role") == "img" for tag, a in page.elements)
    assert n_plots == len(described) == 2 + 2 + 2
    one = comparison["Q2_K"]["arc_easy"]
    (told,) = [
        text for text in described if "arc_easy" in text and f"{one.difference:+.4f}" in text
    ]
    assert f"{one.ci95[0]:+.4f} to {one.ci95[1]:+.4f}, {one.verdict}" in told


def test_items_are_in_the_page_as_they_were_scored(comparison: Comparison, text: str) -> None:
    page = Page(text)
    known = json.loads(page.blocks["report"])
    assert [task["name"] for task in known["tasks"]] == ["arc_easy", "hellaswag"]
    assert known["tasks"][0]["metrics"][0] == "acc_norm"
    numbers = unpacked(page, "numbers-0")
    for index, contender in enumerate((comparison.base, *comparison.candidates)):
        samples = contender.results.tasks["arc_easy"].samples
        assert numbers["id"] == [one.doc_id for one in samples]
        said = numbers["models"][index]
        for metric in ("acc", "acc_norm"):
            assert said["scores"][metric] == [one.scores[metric].value for one in samples]
        assert said["chosen"] == [one.scores["acc_norm"].choice for one in samples]
        for chances in said["chance"]:
            assert sum(chances) == pytest.approx(1000, abs=2)
    sample = comparison.base.results.tasks["arc_easy"].samples[7]
    texts = unpacked(page, f"texts-0-{numbers['block'][7]}")["7"]
    assert texts["context"] == list(sample.contexts or ())  # type: ignore[union-attr]
    assert texts["choices"] == list(sample.continuations or ())  # type: ignore[union-attr]


def test_what_models_differ_in_is_read_first(text: str) -> None:
    numbers = unpacked(Page(text), "numbers-0")
    scores = [one["scores"]["acc_norm"] for one in numbers["models"]]
    differs = [len(set(three)) > 1 for three in zip(*scores, strict=True)]
    blocks = numbers["block"]
    assert 0 < sum(differs) < 256
    assert {block for block, d in zip(blocks, differs, strict=True) if d} == {0}


def test_runs_side_by_side_pair_items_by_content() -> None:
    same, other = (make_results(name, {"t": 6}, seed=i) for i, name in enumerate("ab"))
    moved = replace(
        other,
        tasks={
            "t": replace(
                other.tasks["t"],
                samples=[
                    replace(one, item=f"{i:016x}") for i, one in enumerate(other.tasks["t"].samples)
                ],  # type: ignore[type-var]
            )
        },
    )
    assert len(unpacked(Page(to_html([same, other])), "numbers-0")["id"]) == 6
    apart = unpacked(Page(to_html([same, moved])), "numbers-0")
    assert len(apart["id"]) == 12
    assert apart["models"][0]["scores"]["acc"].count(None) == 6


def test_no_text_becomes_markup() -> None:
    results = make_results("a", {"t": 3}, log_prompts=True)
    samples = [
        replace(one, contexts=(EVIL,), continuations=(EVIL,) * 4)  # type: ignore[type-var]
        for one in results.tasks["t"].samples
    ]
    task = replace(results.tasks["t"], samples=samples, notices=(EVIL,), variant=EVIL)
    evil = replace(
        results,
        tasks={EVIL: task},
        model={**results.model, "name": EVIL, "path": f"{EVIL}.gguf", "quantisation": EVIL},
        settings={EVIL: EVIL, "engine": {EVIL: [EVIL]}},
        machine={"cpu": EVIL},
        versions={EVIL: EVIL},
        tokenisation=EVIL,
    )
    text = to_html([evil, evil])
    page = Page(text)
    plain = Page(to_html([results, results]))
    scripts = [a for tag, a in page.elements if tag == "script"]
    assert len(scripts) == len([1 for tag, _ in plain.elements if tag == "script"])
    assert not [tag for tag, _ in page.elements if tag == "img"]
    assert "onerror=alert(2)>" in page.said()
    assert "{{7*7}}" in page.said()
    assert json.loads(page.blocks["report"])["tasks"][0]["name"] == EVIL
    assert unpacked(page, "texts-0-0")["0"]["context"] == [EVIL]


def test_ten_thousand_items_with_texts_stay_below_two_megabytes() -> None:
    results = make_results("a", {"long": 10_000}, n_choices=2, length=300, log_prompts=True)
    text = to_html(results)
    page = Page(text)
    assert len(text.encode()) < 2e6
    assert len(text.encode()) > 0.8 * MOST_BYTES  # the room is used
    numbers = unpacked(page, "numbers-0")
    there = json.loads(page.blocks["report"])["tasks"][0]["blocks"]
    left_out = sum(block not in there for block in numbers["block"])
    assert left_out > 0
    assert f"Texts of {left_out:,} items were left out" in page.said()


def test_many_tables_take_the_room_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MOST_BYTES", 500_000)
    tasks = {f"task_{i}": 12 for i in range(80)}
    several = [
        make_results(name, tasks, seed=seed, length=400, noise=1, log_prompts=True)
        for seed, name in enumerate("ab")
    ]
    base, other = (Contender(name, one) for name, one in zip("ab", several, strict=True))
    text = to_html(compare_results(base, [other], margin=0.05))
    assert 400_000 < len(text.encode()) < 500_000


def test_the_same_results_give_the_same_page(three: list[Results]) -> None:
    assert to_html(three[:2]) == to_html(three[:2])


def test_a_large_group_shares_a_plot() -> None:
    names = [f"mmlu_{i}" for i in range(13)]
    results = make_results("a", dict.fromkeys(names, 20), groups={"mmlu": tuple(names)})
    page = Page(to_html(results))
    titles = [text for tag, text in page.texts if tag == "figcaption"]
    assert len(titles) == 2
    said = next(text for tag, text in page.texts if tag == "desc" and "mmlu_12" in text)
    assert f"{results.tasks['mmlu_12'].metrics['acc_norm'].value:.4f}" in said


def test_what_is_undefined_is_said(three: list[Results]) -> None:
    results = make_results("a", {"one": 1, "two": 30})
    said = Page(to_html(results)).said()
    assert "it takes at least 2" in said
    assert " nan " not in said


def test_only_results_are_shown() -> None:
    with pytest.raises(UsageError, match="there are no results"):
        to_html([])
    with pytest.raises(UsageError, match="not str"):
        to_html(["results"])  # type: ignore[list-item]


def test_a_report_is_there_whole_or_not_at_all(three: list[Results], tmp_path: Path) -> None:
    path = write_report(three[0], tmp_path / "new" / "report.html")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]
    with pytest.raises(ResultsError, match="cannot be written"):
        write_report(three[0], path / "below.md")
    with pytest.raises(UsageError, match=r"\.html, \.md, \.csv"):
        write_report(three[0], tmp_path / "report.pdf")


def test_a_report_that_cannot_be_is_refused_before_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prepare(tmp_path / "a" / "report.md") == tmp_path / "a" / "report.md"
    assert list((tmp_path / "a").iterdir()) == []
    (tmp_path / "r.html").mkdir()
    with pytest.raises(ResultsError, match="is a directory"):
        prepare(tmp_path / "r.html")
    (tmp_path / "file").touch()
    with pytest.raises(ResultsError, match="cannot be written"):
        prepare(tmp_path / "file" / "report.html")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("fastscore.plots.canvas.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'fastscore-gguf\[report\]'"):
        prepare(tmp_path / "report.html")
    prepare(tmp_path / "report.csv")
