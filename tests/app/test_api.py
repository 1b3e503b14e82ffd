"""REST on a real server: answers, streams, problems, limits, owners."""

import json
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api import create_app
from app.casebook import Casebook
from app.diagnosis import Diagnosis, Event, Request
from app.pool import Pool
from app.settings import Settings

QUESTION = {"text": "loss is 0 from the first step"}


@pytest.fixture(scope="module")
def client(casebook: Casebook, serve: Any) -> Iterator[httpx.Client]:
    """A client of the application over the built-in base, nobody logged in."""
    app = create_app(casebook, Settings(max_upload_mb=1, rate="100000/minute"))
    with serve(app) as address, httpx.Client(base_url=address, timeout=30) as opened:
        yield opened


def _problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status and found["detail"] and found["title"]
    return found


def _events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            yield name, json.loads(line[5:])


def test_a_diagnosis_is_that_of_the_command_line(client: httpx.Client, casebook: Casebook) -> None:
    answer = client.post("/v1/diagnose", json=QUESTION)
    assert answer.headers["content-type"] == "application/json"
    found = Diagnosis.model_validate_json(answer.content)
    own = casebook.diagnose(Request(text=QUESTION["text"]))
    assert found.causes and found.answer == own.answer
    assert found.model_copy(update={"case": "", "timings_ms": {}}) == own.model_copy(
        update={"case": "", "timings_ms": {}}
    )


def test_a_case_continues_and_a_file_is_named_without_its_folder(client: httpx.Client) -> None:
    first = client.post("/v1/diagnose", json=QUESTION).json()
    rows = "\n".join("{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 1e-05, 'epoch': 0.1}" for _ in range(6))
    files = [{"name": "/home/zhangwei/runs/train.log", "content": rows}]
    second = client.post("/v1/diagnose", json={"case": first["case"], "files": files}).json()
    assert second["case"] == first["case"]
    assert second["evidence"]["metrics"]["loss"]["values"] == [0.0] * 6
    saved = client.get(f"/v1/cases/{first['case']}").json()
    assert [turn["number"] for turn in saved["turns"]] == [1, 2]
    assert saved["turns"][1]["inputs"][0]["name"] == "train.log#2"


def test_the_stream_has_the_diagnosis_then_the_answer_in_pieces(client: httpx.Client) -> None:
    with client.stream("POST", "/v1/diagnose", json=QUESTION, headers={"accept": "text/event-stream"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = list(_events(answer))
    names = [name for name, _ in events]
    assert names[0] == "diagnosis" and names[-1] == "done" and set(names[1:-1]) == {"sentence"}
    assert events[0][1]["answer"] == "" and events[0][1]["causes"] == events[-1][1]["causes"]
    assert "".join(data["text"] for name, data in events if name == "sentence") == events[-1][1]["answer"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{bad", 400, "not valid JSON"),
        (b"{}", 422, "empty"),
        (b'{"text": " \\n"}', 422, "empty"),
        (b'{"text": "x", "nonsense": 1}', 422, "nonsense"),
        (b'{"files": [{"name": "a", "content": 1}]}', 422, "files.0.content"),
        (b'{"text": "x", "case": "nobody"}', 404, "nobody"),
        (b'{"text": "x", "case": ""}', 422, "case"),
        (b"[]", 422, ""),
        (b"\xff\xfe\x00", 400, ""),
    ],
)
def test_what_cannot_be_used_is_named(client: httpx.Client, body: bytes, status: int, said: str) -> None:
    headers = {"content-type": "application/json"}
    for accept in ("application/json", "text/event-stream"):
        answer = client.post("/v1/diagnose", content=body, headers=headers | {"accept": accept})
        assert said in _problem(answer, status)["detail"]


@pytest.mark.parametrize("path", ["/v1/incidents/no-such", "/v1/cases/none", "/v1/cases/none/markdown", "/v1/nothing"])
def test_what_is_not_there_is_a_problem(client: httpx.Client, path: str) -> None:
    _problem(client.get(path), 404)


def test_a_body_over_the_limit_is_refused_while_it_is_read(client: httpx.Client) -> None:
    said = _problem(client.post("/v1/diagnose", json={"text": "x" * (1 << 20)}), 413)["detail"]
    assert "1 MB" in said and "CASEBOOK_MAX_UPLOAD_MB" in said
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while read < 1 << 30:
            read += 1 << 16
            yield b" " * (1 << 16)

    with suppress(httpx.WriteError, httpx.RemoteProtocolError):  # the server may close while the client still sends
        _problem(client.post("/v1/diagnose", content=endless(), headers={"content-type": "application/json"}), 413)
    assert read < 1 << 28


def test_any_text_is_read(client: httpx.Client) -> None:
    for text in ("\x00", "\ufeff\u202e", "<script>alert(1)</script>", "a\r\nb\tc\x1b[31m"):
        assert client.post("/v1/diagnose", json={"text": text}).status_code == 200
    headers = {"content-type": "application/json"}
    lone = client.post("/v1/diagnose", content=b'{"text": "loss \\ud800 nan"}', headers=headers)
    assert client.get(f"/v1/cases/{lone.json()['case']}").status_code == 200


def test_feedback_deletion_and_export(client: httpx.Client) -> None:
    case = client.post("/v1/diagnose", json=QUESTION).json()["case"]
    incident = client.get("/v1/search", params={"q": "loss zero"}).json()[0]["incident"]["id"]
    given = {"outcome": "fixed", "incident": incident, "note": "mapped the fields"}
    assert client.post(f"/v1/cases/{case}/feedback", json=given).status_code == 204
    assert client.get(f"/v1/incidents/{incident}").json()["outcomes"]["fixed"] >= 1
    assert client.get(f"/v1/cases/{case}").json()["feedback"][0]["note"] == "mapped the fields"
    exported = client.get(f"/v1/cases/{case}/markdown")
    assert exported.headers["content-type"].startswith("text/markdown") and exported.text.startswith("#")
    _problem(client.post(f"/v1/cases/{case}/feedback", json={"outcome": "great"}), 422)
    _problem(client.post(f"/v1/cases/{case}/feedback", json={"outcome": "fixed", "incident": "no-such"}), 404)
    assert client.delete(f"/v1/cases/{case}").status_code == 204
    _problem(client.delete(f"/v1/cases/{case}"), 404)
    _problem(client.post(f"/v1/cases/{case}/feedback", json={"outcome": "fixed"}), 404)


def test_incidents_are_filtered_and_paged(client: httpx.Client, casebook: Casebook) -> None:
    live = [i for i in casebook.incidents().values() if i.status != "retired"]
    everything = client.get("/v1/incidents", params={"limit": 2}).json()
    assert everything["total"] == len(live) and len(everything["incidents"]) == 2
    serving = sorted(i.id for i in live if i.area == "serving" and "vllm" in i.components)
    asked = {"area": "serving", "component": "vllm", "limit": 200}
    found = client.get("/v1/incidents", params=asked).json()["incidents"]
    assert [i["id"] for i in found] == serving[:200]
    rest = client.get("/v1/incidents", params=asked | {"offset": len(serving) - 1}).json()["incidents"]
    assert [i["id"] for i in rest] == serving[-1:]
    grouped = client.get("/v1/incidents", params={"group": "loss-zero"}).json()
    assert grouped["total"] == sum("loss-zero" in i.symptom_groups for i in live)
    assert "component" in _problem(client.get("/v1/incidents", params={"version": "1.0"}), 422)["detail"]
    _problem(client.get("/v1/incidents", params={"area": "cooking"}), 422)
    _problem(client.get("/v1/incidents", params={"limit": 0}), 422)


def test_lint(client: httpx.Client) -> None:
    config = '{"fp16": {"enabled": true}, "bf16": {"enabled": true}}'
    found = client.post("/v1/lint", json={"files": [{"name": "ds.json", "content": config}]}).json()
    assert [f["rule"] for f in found["findings"]] == ["deepspeed-fp16-with-bf16"]
    _problem(client.post("/v1/lint", json={"files": [{"name": "a.json", "content": "{}"}]}), 422)


def test_health_metrics_and_the_description_load_nothing_from_outside(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["incidents"] > 300
    client.post("/v1/diagnose", json=QUESTION)
    metrics = client.get("/metrics").text
    for name in ("casebook_stage_seconds_bucket", "casebook_diagnoses_total", "casebook_queue", "casebook_feedback"):
        assert name in metrics
    assert 'route="/v1/diagnose",status="200"' in metrics and QUESTION["text"] not in metrics
    page = client.get("/docs").text
    assert "/v1/cases/{case}/feedback" in page and "src=" not in page and "http://" not in page
    assert client.get("/openapi.json").json()["info"]["title"] == "Casebook"


def test_headers_that_browsers_heed(client: httpx.Client) -> None:
    answer = client.get("/v1/incidents")
    assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in client.get("/v1/incidents", headers={"origin": "http://x.test"}).headers
    preflight = {"origin": "http://x.test", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in client.options("/v1/diagnose", headers=preflight).headers
    assert "server" not in answer.headers or answer.headers["server"] == "uvicorn"


# --- slow answers


class Slow(Casebook):
    """A casebook whose answers take their time."""

    pause, open = 0.05, 0

    def stream(self, *args: Any, **kwargs: Any) -> Generator[Event, None, None]:
        """The events, each after a pause, without end."""
        self.open += 1
        try:
            first, *rest = super().stream(*args, **kwargs)
            yield first
            for event in [*rest[:-1], *[rest[0]] * 1000, rest[-1]]:
                time.sleep(self.pause)
                yield event
        finally:
            self.open -= 1


@pytest.fixture
def slow(data_folder: Path, casebook: Casebook) -> Iterator[Slow]:
    """A slow casebook."""
    opened = Slow(Settings(data=data_folder))
    yield opened
    opened.close()


def _until(condition: Any) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")


def test_leaving_a_stream_ends_the_work_on_it(slow: Slow, serve: Any) -> None:
    pool = Pool()
    with serve(create_app(slow, Settings(), pool)) as address:
        accept = {"accept": "text/event-stream"}
        with httpx.stream("POST", f"{address}/v1/diagnose", json=QUESTION, headers=accept, timeout=30) as answer:
            events = _events(answer)
            assert [next(events)[0] for _ in range(3)] == ["diagnosis", "sentence", "sentence"]
            assert slow.open == 1
        _until(lambda: slow.open == 0 and pool.in_flight == 0)


def test_leaving_before_the_answer_ends_the_work_on_it(slow: Slow, serve: Any) -> None:
    pool = Pool()
    with serve(create_app(slow, Settings(), pool)) as address:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/v1/diagnose", json=QUESTION, timeout=1)
        _until(lambda: slow.open == 0 and pool.in_flight == 0)


def test_the_time_of_a_request_is_limited(slow: Slow, serve: Any) -> None:
    with serve(create_app(slow, Settings(request_seconds=0.5))) as address:
        _problem(httpx.post(f"{address}/v1/diagnose", json=QUESTION, timeout=30), 504)
        accept = {"accept": "text/event-stream"}
        with httpx.stream("POST", f"{address}/v1/diagnose", json=QUESTION, headers=accept, timeout=30) as answer:
            assert answer.status_code == 200
            name, said = list(_events(answer))[-1]
        assert name == "error" and said["status"] == 504
        _until(lambda: slow.open == 0)


def test_more_than_it_can_take_on_is_refused_with_a_time_to_come_back(slow: Slow, serve: Any) -> None:
    with serve(create_app(slow, Settings(), Pool(workers=1, waiting=1))) as address:
        answers: list[Any] = []

        def ask() -> None:
            accept = {"accept": "text/event-stream"}
            with httpx.stream("POST", f"{address}/v1/diagnose", json=QUESTION, headers=accept, timeout=30) as answer:
                answers.append(answer)
                stop.wait(20)

        stop = threading.Event()
        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        _until(lambda: slow.open == 1)
        time.sleep(0.2)
        refused = httpx.post(f"{address}/v1/diagnose", json=QUESTION, timeout=30)
        stop.set()
        assert int(refused.headers["retry-after"]) >= 1
        _problem(refused, 503)
        assert httpx.get(f"{address}/healthz").status_code == 200
        slow.pause = 0
        for thread in threads:
            thread.join(20)
