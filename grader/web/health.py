"""Whether the service lives, can work, and in numbers how it does."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import accumulate
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from grader.domain.operations import WorkerBeat, alarms
from grader.domain.timing import BUCKETS, StageTimes
from grader.steps.service import Service
from grader.web.access import TheService, everybody
from grader.web.shapes import REFUSALS

router = APIRouter(tags=["operations"], dependencies=[Depends(everybody)], responses=REFUSALS)
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz", responses={503: {"description": "Something the service needs is missing; it says what"}})
def readyz(request: Request, service: TheService) -> JSONResponse:
    """Whether new work is accepted, and whether what was accepted is being done: each part with its state.

    Only a database that cannot be written makes it unready: work is accepted without broker or workers, and waits.
    """
    parts = {"database": service.store.operations.works(), "broker": request.app.state.queue.works()}
    parts["dispatcher"] = request.app.state.dispatcher.alive
    told: list[str] = []
    if parts["database"]:
        workers, figures = _workers(service), service.store.operations.load(service.clock())
        parts["workers"] = bool(workers)
        told = [f"{alarm.what} {alarm.todo}" for alarm in alarms(figures, workers)]
    ready = parts["database"] and parts["dispatcher"]
    body = {"ready": ready, "parts": parts, "alarms": told}
    return JSONResponse(body, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(service: TheService) -> Response:
    """For Prometheus. Everything is read from the store, so that a restart resets nothing and processes agree."""
    registry = CollectorRegistry()
    registry.register(_StoreCollector(service))
    return Response(generate_latest(registry), media_type=METRICS_TYPE)


def _workers(service: Service) -> list[WorkerBeat]:
    return service.store.operations.workers(service.clock(), service.rules.worker_silent_s)


class _StoreCollector(Collector):
    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        workers = _workers(self._service)
        figures = self._service.store.operations.figures(self._service.clock())
        yield _family(GaugeMetricFamily, "grader_jobs_waiting", "Jobs that wait", "queue", figures.waiting)
        oldest = figures.oldest_waiting_s
        yield _family(GaugeMetricFamily, "grader_queue_age_seconds", "Age of the oldest waiting job", "queue", oldest)
        yield _family(GaugeMetricFamily, "grader_jobs_running", "Jobs that run", "queue", figures.running)
        yield _family(CounterMetricFamily, "grader_jobs_ended", "Jobs by final state", "state", figures.outcomes)
        yield _family(CounterMetricFamily, "grader_attempts_ended", "Attempts by ending", "ending", figures.endings)
        yield GaugeMetricFamily("grader_submissions_given_up", "Nobody tries them again", value=figures.given_up)
        ringing = alarms(figures, workers)
        yield GaugeMetricFamily("grader_alarms", "What somebody has to look at; /readyz says what", value=len(ringing))
        yield GaugeMetricFamily("grader_workers", "Workers heard of lately", value=len(workers))
        runs = SummaryMetricFamily("grader_run_seconds", "Time that graded runs took", labels=["lab"])
        for lab, (total, count) in figures.run_seconds.items():
            runs.add_metric([lab], count_value=count, sum_value=total)
        yield runs
        yield _stages(figures.stages)


def _stages(times: Mapping[tuple[str, str, str], StageTimes]) -> Metric:
    text = "Where the time of graded jobs went"
    family = HistogramMetricFamily("grader_stage_seconds", text, labels=["queue", "sandbox", "stage"])
    ends = [*map(str, BUCKETS), "+Inf"]
    for labels, one in sorted(times.items()):
        below = list(zip(ends, map(float, accumulate(one.counts)), strict=True))
        family.add_metric(list(labels), buckets=below, sum_value=one.total_s)
    return family


def _family(kind: Any, name: str, text: str, label: str, values: Any) -> Metric:
    family: Metric = kind(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)  # type: ignore[attr-defined]
    return family
