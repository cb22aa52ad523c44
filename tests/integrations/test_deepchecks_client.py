"""What Deepchecks' own client makes of a run, and what it sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import score

client_module = pytest.importorskip(
    "deepchecks_llm_client.client", reason="Deepchecks' LLM client is not installed"
)

from fastscore.formats.deepchecks.writing import write_jsonl  # noqa: E402
from fastscore.integrations.deepchecks_llm import to_log_interactions  # noqa: E402


@pytest.fixture
def service() -> Iterator[tuple[str, list[Any]]]:
    """A stand-in for the service: the address, and the bodies of what is posted."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if self.path.endswith("/backend-version"):
                self.answer(200, {"version": "0.45.8"})
            else:
                self.answer(200, [{"id": 1, "versions": [{"id": 7, "name": "v1"}]}])

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            posted.append((self.path, json.loads(self.rfile.read(length))))
            self.answer(201, ["a uuid"])

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", posted
        server.shutdown()
        thread.join()


def test_the_client_sends_what_the_file_holds(
    service: tuple[str, list[Any]], tmp_path: Path
) -> None:
    address, posted = service
    results = score(FakeModel(), limit=4, log_prompts=True)
    client = client_module.DeepchecksLLMClient(host=address, api_token="none")
    client.log_batch_interactions(
        app_name="app",
        version_name="v1",
        env_type="EVAL",
        interactions=to_log_interactions(results),
    )
    ((path, body),) = posted
    assert path == "/api/v1/application-versions/7/interactions"
    assert body["env_type"] == "EVAL"
    lines = write_jsonl(results, tmp_path).path.read_bytes().splitlines()
    sent = [
        {name: value for name, value in one.items() if value not in (None, {}, True)}
        for one in body["interactions"]
    ]
    assert sent == [json.loads(line) for line in lines]
    assert {one["annotation"] for one in sent} == {"good", "bad"}
    assert not any("started_at" in one for one in sent), "no item has times of its own"
