"""What is counted for Prometheus. The one seam to prometheus-client. No text and no names of users are counted."""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from app.casefile import Outcome
from app.diagnosis import Diagnosis

_STAGES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The counters of one web application."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, in_flight: Callable[[], float]) -> None:
        """`in_flight` says how many requests are being worked on or wait for a thread."""
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        queue = Gauge("casebook_queue", "Requests being worked on or waiting for a thread", registry=registry)
        queue.set_function(in_flight)
        self._stages = Histogram(
            "casebook_stage_seconds", "Time of a diagnosis by stage", ["stage"], buckets=_STAGES, registry=registry
        )
        self._requests = Histogram(
            "casebook_request_seconds", "Time to answer", ["route", "status"], buckets=_STAGES, registry=registry
        )
        self._verdicts = Counter(
            "casebook_diagnoses", "Diagnoses by verdict", ["verdict", "reason", "writer"], registry=registry
        )
        self._fallbacks = Counter(
            "casebook_fallbacks", "Answers that a configured model did not write", ["reason"], registry=registry
        )
        self._outcomes = Counter("casebook_feedback", "Feedback by outcome", ["outcome"], registry=registry)

    def diagnosed(self, diagnosis: Diagnosis) -> None:
        """Count one finished turn."""
        writer = diagnosis.writer
        self._verdicts.labels(diagnosis.verdict, diagnosis.reason_code, writer.kind).inc()
        for stage, milliseconds in diagnosis.timings_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)
        if writer.fallback_reason:
            self._fallbacks.labels(writer.fallback_reason[:40]).inc()

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one HTTP answer; `route` is the template of its path, not the path."""
        self._requests.labels(route, str(status)).observe(seconds)

    def told(self, outcome: Outcome) -> None:
        """Count one feedback."""
        self._outcomes.labels(outcome).inc()

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
