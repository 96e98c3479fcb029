"""Counters, gauges and histograms, and their Prometheus text. No dependency: what we need is a hundred lines."""

from __future__ import annotations

import bisect
import os
import resource
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

#: From a local answer to the longest wait.
LATENCY: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 75)

#: Values of one label set; a bug that puts ids into labels must not eat the memory.
MAX_SERIES: Final = 2000

Labels = tuple[str, ...]
M = TypeVar("M", bound="Metric")


class Metric:
    """One name with its series, one for each set of label values."""

    kind = "untyped"

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()) -> None:
        self.name, self.help, self.labels = name, help, tuple(labels)
        self.values: dict[Labels, float] = {}

    def _key(self, labels: dict[str, str]) -> Labels:
        return tuple(labels[name] for name in self.labels)

    def _room(self, key: Labels) -> bool:
        return key in self.values or len(self.values) < MAX_SERIES

    def lines(self) -> Iterator[str]:
        for key, value in list(self.values.items()):
            yield f"{self.name}{_text(self.labels, key)} {_number(value)}"

    def as_dict(self, account: str | None) -> list[dict[str, Any]]:
        return [
            {**dict(zip(self.labels, key, strict=True)), "value": value}
            for key, value in self.values.items()
            if _concerns(self.labels, key, account)
        ]

    def forget(self, **labels: str) -> None:
        """Drop the series with these label values (an account that was removed)."""
        wanted = {(self.labels.index(name), value) for name, value in labels.items() if name in self.labels}
        if len(wanted) == len(labels):
            for key in [key for key in self.values if all(key[i] == value for i, value in wanted)]:
                self._drop(key)

    def _drop(self, key: Labels) -> None:
        del self.values[key]


class Counter(Metric):
    """Only grows."""

    kind = "counter"

    def add(self, amount: float = 1, **labels: str) -> None:
        key = self._key(labels)
        if self._room(key):
            self.values[key] = self.values.get(key, 0) + amount


class Gauge(Metric):
    """A value that goes up and down."""

    kind = "gauge"

    def set(self, value: float, **labels: str) -> None:
        key = self._key(labels)
        if self._room(key):
            self.values[key] = value


class Histogram(Metric):
    """How long something takes; `values` holds the sums."""

    kind = "histogram"

    def __init__(
        self, name: str, help: str, labels: Sequence[str] = (), buckets: Sequence[float] = LATENCY
    ) -> None:
        super().__init__(name, help, labels)
        self.buckets = tuple(buckets)
        self.counts: dict[Labels, list[int]] = {}

    def observe(self, value: float, **labels: str) -> None:
        key = self._key(labels)
        if not self._room(key):
            return
        counts = self.counts.setdefault(key, [0] * (len(self.buckets) + 1))
        counts[bisect.bisect_left(self.buckets, value)] += 1
        self.values[key] = self.values.get(key, 0) + value

    def lines(self) -> Iterator[str]:
        for key, counts in list(self.counts.items()):
            total = 0
            for bound, count in zip((*self.buckets, float("inf")), counts, strict=True):
                total += count
                label = "+Inf" if bound == float("inf") else _number(bound)
                yield f"{self.name}_bucket{_text((*self.labels, 'le'), (*key, label))} {total}"
            yield f"{self.name}_sum{_text(self.labels, key)} {_number(self.values[key])}"
            yield f"{self.name}_count{_text(self.labels, key)} {total}"

    def as_dict(self, account: str | None) -> list[dict[str, Any]]:
        return [
            {**dict(zip(self.labels, key, strict=True)), "sum": self.values[key], "count": sum(counts)}
            for key, counts in self.counts.items()
            if _concerns(self.labels, key, account)
        ]

    def _drop(self, key: Labels) -> None:
        super()._drop(key)
        del self.counts[key]


def _concerns(labels: Labels, key: Labels, account: str | None) -> bool:
    return account is None or ("account" in labels and key[labels.index("account")] == account)


def _text(names: Labels, values: Labels) -> str:
    if not names:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


class Metrics:
    """All that the daemon measures."""

    def __init__(self) -> None:
        self._all: dict[str, Metric] = {}
        #: Called before each reading: for what is looked up and not counted.
        self.before: list[Callable[[], None]] = []
        self.calls = self._add(Histogram("waconnd_rpc_seconds", "Calls of the socket.", ("method", "kind")))
        self.connections = self._add(Gauge("waconnd_rpc_connections", "Clients of the socket."))
        self.state = self._add(
            Gauge("waconnd_account_state", "1 for the state it is in.", ("account", "state"))
        )
        self.reconnects = self._add(
            Counter("waconnd_reconnects_total", "Connections lost, by reason.", ("account", "reason"))
        )
        self.sends = self._add(
            Counter("waconnd_sends_total", "Messages sent, by outcome.", ("account", "outcome"))
        )
        self.send_seconds = self._add(
            Histogram("waconnd_send_seconds", "From the call to the server's ack.", ("account",))
        )
        self.received = self._add(Counter("waconnd_received_total", "Messages received.", ("account",)))
        self.receive_lag = self._add(
            Histogram("waconnd_receive_lag_seconds", "From the sender's clock to the archive.", ("account",))
        )
        self.undecryptable = self._add(
            Counter("waconnd_undecryptable_total", "Messages that could not be read at first.", ("account",))
        )
        self.unhandled = self._add(
            Gauge(
                "waconnd_unhandled_stanzas",
                "Stanzas since the start that are unknown, left aside on purpose, or could not be handled.",
                ("account", "what"),
            )
        )
        self.outbox = self._add(Gauge("waconnd_outbox", "Messages that wait to be sent.", ("account",)))
        self.commits = self._add(
            Gauge("waconnd_store_commits", "Fsyncs of a journal since its opening.", ("account",))
        )
        self.stuck = self._add(
            Gauge("waconnd_store_stuck_seconds", "How long the slowest running write takes.")
        )
        self.events = self._add(Gauge("waconnd_events_newest_seq", "The newest row of the event log."))
        self.hooks = self._add(Counter("waconnd_hook_deliveries_total", "By outcome.", ("hook", "outcome")))
        self.memory = self._add(Gauge("waconnd_resident_bytes", "Memory of the process."))
        self.cpu = self._add(Counter("waconnd_cpu_seconds_total", "Processor time of the process."))
        self.descriptors = self._add(Gauge("waconnd_open_fds", "Open descriptors."))
        self.disk_free = self._add(
            Gauge("waconnd_disk_free_bytes", "What is left for us on the disk of this folder.", ("folder",))
        )
        self.loop_lag = self._add(
            Gauge("waconnd_loop_lag_seconds", "How late the event loop was, last time we looked.")
        )

    def _add(self, metric: M) -> M:
        self._all[metric.name] = metric
        return metric

    def watch(self, method: str, kind: str, seconds: float) -> None:
        """`waconnd.rpc.dispatch.Watch`."""
        self.calls.observe(seconds, method=method, kind=kind)

    def forget_account(self, account: str) -> None:
        """An account was removed."""
        for metric in self._all.values():
            metric.forget(account=account)

    def _look(self) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.cpu.values[()] = usage.ru_utime + usage.ru_stime
        try:
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
            self.memory.set(pages * resource.getpagesize())
            self.descriptors.set(len(os.listdir("/proc/self/fd")))  # noqa: PTH208
        except OSError:
            pass
        for look in self.before:
            look()

    def text(self) -> str:
        """The Prometheus exposition, version 0.0.4."""
        self._look()
        out: list[str] = []
        for metric in self._all.values():
            lines = list(metric.lines())
            if lines:
                out += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}", *lines]
        return "\n".join(out) + "\n"

    def as_dict(self, account: str | None = None) -> dict[str, Any]:
        """The same numbers for `daemon.stats`."""
        self._look()
        found = {name: metric.as_dict(account) for name, metric in self._all.items()}
        return {name: series for name, series in found.items() if series}

    def write(self, path: Path) -> None:
        """For a textfile collector, which must never see half a file."""
        draft = path.with_suffix(".tmp")
        draft.write_text(self.text(), "utf-8")
        draft.chmod(0o644)
        draft.replace(path)
