"""``--trace`` sends every span to a collector, and no collector costs a run."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from models.fixtures import TinyModel

pytest.importorskip(
    "opentelemetry.exporter.otlp.proto.http", reason="OpenTelemetry's exporter is not installed"
)

from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider

from fastscore.cli import main
from fastscore.integrations.opentelemetry.export import exporting

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # requests' idle connections


class Collector(ThreadingHTTPServer):
    """Takes spans as a collector does, until it has had ``takes`` requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.takes = 10_000
        self.takes_empty = True
        self.most_bytes = 10**9

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def names(self) -> list[str]:
        return [
            span.name
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resource(self) -> dict[str, str]:
        (found,) = {
            tuple((one.key, one.value.string_value) for one in resource.resource.attributes)
            for request in self.requests
            for resource in request.resource_spans
        }
        return dict(found)


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        taken = self.path == "/v1/traces" and len(self.server.requests) < self.server.takes
        malformed = not body and not self.server.takes_empty
        too_large = len(body) > self.server.most_bytes
        taken &= not malformed and not too_large
        if taken:
            self.server.requests.append(ExportTraceServiceRequest.FromString(body))
            self.server.headers.append({k.lower(): v for k, v in self.headers.items()})
        self.send_response(200 if taken else 413 if too_large else 400 if malformed else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "PHOENIX_COLLECTOR_ENDPOINT", "PHOENIX_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fastscore(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """The command in this process: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["fastscore", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_the_command_sends_everything(
    tiny_model: TinyModel, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=evals")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=ci")
    monkeypatch.setenv("PHOENIX_PROJECT", "nightly")
    path, tasks = tiny_model("llama"), "mini_qa,mini_blank"
    # A process of its own: what is sent at its very end counts.
    command = [sys.executable, "-m", "fastscore", "run", str(path), "-t", tasks, "--trace", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert collector.names[-1] == "evaluate mini_qa, mini_blank"
    for task in ("mini_qa", "mini_blank"):
        assert task in collector.names
        assert len([one for one in collector.names if one.startswith(f"{task} #")]) == 20
    assert {one["x-team"] for one in collector.headers} == {"evals"}
    assert collector.resource["openinference.project.name"] == "nightly"
    assert collector.resource["deployment.environment"] == "ci"
    assert collector.resource["service.name"] == "fastscore"


def test_without_a_collector_the_run_goes_on(
    tiny_model: TinyModel, fastscore: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_COLLECTOR_ENDPOINT", "http://127.0.0.1:9")
    began = time.monotonic()
    code, out, err = fastscore("run", tiny_model("llama"), "-t", "mini_qa", "--trace", "--quiet")
    assert time.monotonic() - began < 60
    assert code == 0
    assert "mini_qa" in out
    (line,) = err.splitlines()
    assert line.startswith("Warning: this run is not traced: http://127.0.0.1:9/v1/traces")
    assert "Connection refused" in line


def test_a_wrong_rate_is_a_usage_error(fastscore: Any) -> None:
    code, _, err = fastscore("run", "demo", "-t", "mini_qa", "--trace-rate", "2")
    assert code == 2
    assert "must be a number from 0" in err


def test_a_collector_that_is_lost_is_said_once(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PHOENIX_COLLECTOR_ENDPOINT", f"{collector.url}/")
    collector.takes = 2  # the question whether it is there, and one batch of 64
    warnings: list[str] = []
    with exporting(warnings.append) as provider:
        assert provider is not None
        for i in range(300):
            provider.get_tracer("test").start_span(f"span {i}").end()
    assert len(collector.names) == 64
    (said,) = warnings
    assert said.startswith(f"236 of 300 spans could not be sent to {collector.url}/v1/traces")
    assert "code: 401" in said
    assert capfd.readouterr().err == ""


def test_what_is_too_large_for_a_collector_is_sent_in_parts(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    collector.most_bytes = 5_000
    warnings: list[str] = []
    with exporting(warnings.append) as provider:
        assert provider is not None
        for i in range(100):
            size = 9_000 if i == 30 else 400
            provider.get_tracer("test").start_span(
                f"span {i}", attributes={"text": "x" * size}
            ).end()
    assert sorted(collector.names) == sorted(f"span {i}" for i in range(100) if i != 30)
    (said,) = warnings
    assert said.startswith("1 of 100 spans could not be sent")
    assert "413" in said
    assert capfd.readouterr().err == ""


def test_what_is_said_is_why_spans_were_lost(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    collector.most_bytes = 5_000  # which costs nothing
    collector.takes = 6
    warnings: list[str] = []
    with exporting(warnings.append) as provider:
        assert provider is not None
        for i in range(100):
            provider.get_tracer("test").start_span(f"span {i}", attributes={"t": "x" * 400}).end()
    (said,) = warnings
    assert "code: 401" in said
    assert "413" not in said


def test_a_collector_that_takes_no_empty_request_is_there(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    collector.takes_empty = False
    with exporting(pytest.fail) as provider:
        assert provider is not None
        provider.get_tracer("test").start_span("one").end()
    assert collector.names == ["one"]


def test_who_has_switched_opentelemetry_off_is_told(
    tiny_model: TinyModel, fastscore: Any, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    code, _, err = fastscore("run", tiny_model("llama"), "-t", "mini_qa", "--trace", "-q")
    assert code == 0
    (line,) = err.splitlines()
    assert line.startswith("Warning: this run is not traced: OTEL_SDK_DISABLED is true")
    assert collector.requests == []


def test_spans_are_sent_when_the_run_fails(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/v1/traces")
    monkeypatch.setenv("PHOENIX_COLLECTOR_ENDPOINT", "http://127.0.0.1:9")

    def stopped() -> None:
        with exporting(pytest.fail) as provider:
            assert provider is not None
            provider.get_tracer("test").start_span("begun").end()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert collector.names == ["begun"]
    assert collector.resource["openinference.project.name"] == "fastscore"


def test_a_provider_that_was_there_is_flushed_when_the_run_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider, flushed = TracerProvider(), []
    monkeypatch.setattr(provider, "force_flush", lambda: flushed.append(True))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    sending = exporting(pytest.fail)
    assert sending.__enter__() is provider
    stop = KeyboardInterrupt()
    assert not sending.__exit__(KeyboardInterrupt, stop, None)
    assert flushed == [True]


@pytest.mark.parametrize(
    ("variable", "shown"),
    [
        ("PHOENIX_COLLECTOR_ENDPOINT", {"Bearer sesame"}),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", {None}),
    ],
)
def test_phoenix_alone_sees_its_key(
    variable: str, shown: set[str | None], collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, collector.url)
    monkeypatch.setenv("PHOENIX_API_KEY", "sesame")
    with exporting(pytest.fail) as provider:
        assert provider is not None
        provider.get_tracer("test").start_span("one").end()
    assert collector.names == ["one"]
    assert {one.get("authorization") for one in collector.headers} == shown


def test_a_provider_that_is_there_is_taken() -> None:
    code = (
        "from opentelemetry import trace\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from fastscore.integrations.opentelemetry.export import exporting\n"
        "own = TracerProvider(); trace.set_tracer_provider(own)\n"
        "with exporting(print) as provider:\n    print(provider is own)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_help_says_that_texts_leave(fastscore: Any) -> None:
    _, out, _ = fastscore("run", "--help")
    assert "texts included" in " ".join(out.replace("│", "").split())
