"""Count what happens at the edge, in the words of Prometheus."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One process's figures. Labels hold methods, statuses and codes only."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "daogou_http_requests", "HTTP requests answered.", ["path", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "daogou_http_request_seconds",
            "Time from the request's head to the last byte of its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.errors = Counter(
            "daogou_graphql_errors", "Errors in GraphQL answers, by code.", ["code"], registry=self.registry
        )
        self.sockets = Gauge("daogou_sockets", "Sockets that are open now.", registry=self.registry)
        self.operations = Gauge(
            "daogou_socket_operations", "Operations that run over sockets now.", registry=self.registry
        )
        self.deliveries = Counter("daogou_deliveries", "Results sent over sockets.", registry=self.registry)
        self.closes = Counter(
            "daogou_socket_closes", "Sockets that the server closed, by code.", ["code"], registry=self.registry
        )

    def count_errors(self, said: Mapping[str, Any]) -> None:
        """Count the errors of an answer."""
        for error in said.get("errors", ()):
            self.errors.labels(error["extensions"]["code"]).inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)
