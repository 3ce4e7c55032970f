"""Makes the numbers for Prometheus of what was read. Owns their names, labels and help texts, as README lists them.

Names are in base units; what is unknown is left out, so that no alert takes a zero for a fact.
"""

from __future__ import annotations

import math
import platform
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pipeline import __version__
from pipeline.engine import ENGINE_VERSION
from pipeline.ledger import SecondsHistogram, Totals
from pipeline.model import FailureKind, JobState
from pipeline.runner.planning.disk_need import free_bytes
from pipeline.runner.status import ProcessState, Status
from pipeline.serving.monitoring import Reading, StateReader
from pipeline.serving.site import Answer

_LIVES: Final = get_args(ProcessState)


def metrics_answer(reader: StateReader, accept: str) -> Answer:
    """Return all metrics in the format that the ``Accept`` header asks for: Prometheus' text, or OpenMetrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StateCollector(reader.read))
    try:
        encode, media_type = choose_encoder(accept)
    except (ValueError, TypeError):  # a version that is no number
        encode, media_type = choose_encoder("")
    return Answer(encode(registry), media_type)


class StateCollector(Collector):
    """Makes metrics of what ``read`` returns at each scrape."""

    def __init__(self, read: Callable[[], Reading]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics of which anything is known."""
        reading = self._read()
        yield _build()
        yield _gauge(
            "status_exit_code", "Exit code of 'stylewatch status': 0 is well, 3 needs help.", reading.exit_code
        )
        yield _gauge("ledger_up", "Whether the ledger could be read (1) or not (0).", int(reading.is_complete))
        yield _free_disk(reading)
        if reading.status is not None:
            yield from _process(reading.status)
            if reading.is_complete:
                yield from _pictures(reading.status)
        if reading.totals is not None:
            yield from _totals(reading.totals)


def _build() -> Metric:
    versions = {"version": __version__, "engine": ENGINE_VERSION, "python": platform.python_version()}
    return InfoMetricFamily("stylewatch_build", "Versions of the program that serves this.", versions)


def _free_disk(reading: Reading) -> Metric:
    metric = GaugeMetricFamily(
        "stylewatch_disk_free_bytes", "Free space on the disk of a folder.", labels=["folder"], unit="bytes"
    )
    folders = reading.settings.folders
    for name, folder in (("output", folders.output), ("state", folders.state)):
        if (free := free_bytes(folder)) is not None:
            metric.add_metric([name], free)
    return metric


def _process(status: Status) -> Iterator[Metric]:
    life = GaugeMetricFamily(
        "stylewatch_process_state", "1 for the state that 'run' or 'watch' is in, 0 for the others.", labels=["state"]
    )
    for state in _LIVES:
        life.add_metric([state], int(state == status.process_state))
    yield life
    if status.heartbeat is not None:
        yield _gauge(
            "last_heartbeat_timestamp_seconds",
            "Last sign of life of 'run' or 'watch', in Unix time; missing if none runs.",
            status.heartbeat.beat,
            unit="seconds",
        )


def _pictures(status: Status) -> Iterator[Metric]:
    pictures = status.pictures
    by_state = GaugeMetricFamily("stylewatch_pictures", "Pictures on record, by state.", labels=["state"])
    for state, count in pictures.counts_by_name().items():
        by_state.add_metric([state], count)
    yield by_state
    if pictures.photos is not None:
        yield _gauge("photos", "Photos on record that are in the input folder.", pictures.photos)
    yield _gauge("photos_set_aside", "Photos that can't be used, until they change.", len(pictures.problems))
    backlog = pictures.counts[JobState.PENDING] + pictures.counts[JobState.LEASED]
    yield _gauge("backlog_pictures", "Pictures that wait or are being made.", backlog)
    seconds = status.backlog_seconds()
    if seconds is not None:
        yield _gauge("backlog_seconds", "How long the backlog takes, as estimated.", seconds, unit="seconds")


def _totals(totals: Totals) -> Iterator[Metric]:
    made = "Pictures made since the ledger began, those made again too."
    yield CounterMetricFamily("stylewatch_pictures_made", made, totals.pictures_made)
    copied = "Pictures copied from one with the same content and settings since the ledger began."
    yield CounterMetricFamily("stylewatch_pictures_copied", copied, totals.pictures_copied)
    failures = CounterMetricFamily(
        "stylewatch_failures", "Attempts that gave no picture since the ledger began, by kind.", labels=["kind"]
    )
    kinds = [kind.value for kind in FailureKind]
    for kind in dict.fromkeys((*kinds, *totals.failures)):
        failures.add_metric([kind], totals.failures.get(kind, 0))
    yield failures
    yield _durations(totals)


def _durations(totals: Totals) -> Metric:
    metric = HistogramMetricFamily(
        "stylewatch_picture_duration_seconds",
        "Time that a picture took, by device.",
        labels=["device"],
        unit="seconds",
    )
    by_device: defaultdict[str, list[SecondsHistogram]] = defaultdict(list)
    for text, histogram in totals.seconds.items():
        by_device[_device_name(text)].append(histogram)
    for device, histograms in by_device.items():
        buckets = [("+Inf" if bound == math.inf else str(bound), count) for bound, count in _sum(histograms)]
        metric.add_metric([device], buckets, sum(histogram.sum_seconds for histogram in histograms))
    return metric


def _device_name(text: str) -> str:
    """Return a device without the algorithms it was found fastest with: "cpu (2 threads, float32), winograd 14f0"."""
    name, closed, _ = text.partition("), ")
    return f"{name})" if closed else name


def _sum(histograms: Sequence[SecondsHistogram]) -> Iterator[tuple[float, int]]:
    """Yield the cumulative counts of several histograms together, whose bounds may differ."""
    for bound in sorted({bound for histogram in histograms for bound, _ in histogram.buckets}):
        yield bound, sum(_count_up_to(bound, histogram) for histogram in histograms)


def _count_up_to(bound: float, histogram: SecondsHistogram) -> int:
    return max((count for upper, count in histogram.buckets if upper <= bound), default=0)


def _gauge(name: str, text: str, value: float, unit: str = "") -> Metric:
    return GaugeMetricFamily(f"stylewatch_{name}", text, value, unit=unit)
