"""The one list of settings: name, type, default, range and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from django_jobs.backoff import Policy
from django_jobs.conf.kinds import (
    Backoff,
    Choice,
    DatabaseAlias,
    DottedPath,
    Flag,
    Kind,
    Patterns,
    Queues,
    Retention,
    Text,
)
from django_jobs.conf.numbers import Amount, Size, Whole
from django_jobs.sensitive import DEFAULT_KEYS

DAY: Final = 86_400
YEAR: Final = 366 * DAY
MEBIBYTE: Final = 2**20


@dataclass(frozen=True)
class Key:
    """What is known about one setting. ``unit`` is empty where the value has none."""

    name: str
    default: Any
    kind: Kind
    unit: str
    help: str


def _setting(default: Any, kind: Kind, meaning: str, unit: str = "") -> Any:
    metadata = {"kind": kind, "unit": unit, "help": meaning}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


def _seconds(default: float | None, minimum: float, maximum: float, meaning: str) -> Any:
    kind = Amount(minimum, maximum, "seconds", optional=default is None)
    return _setting(default, kind, meaning, unit="seconds")


@dataclass(frozen=True)
class Configuration:
    """All settings, checked. Every field is a key of ``settings.DJANGO_JOBS``."""

    # Leases: how soon a dead worker's jobs run again.
    LEASE: float = _seconds(60.0, 1, DAY, "A worker must renew a running job within this time.")
    HEARTBEAT: float | None = _seconds(
        None, 0.1, DAY, "How often leases are renewed; a quarter of LEASE when not set."
    )
    SWEEP_INTERVAL: float = _seconds(
        15.0, 0.1, 3600, "How often jobs with an expired lease are looked for."
    )
    CONTROL_TIMEOUT: float | None = _seconds(
        None,
        0.1,
        3600,
        "How long one statement of a worker's own may take, never one of a job; "
        "a quarter of LEASE when not set.",
    )
    NOW_LEASE: float = _seconds(300.0, 1, DAY, "Lease of a job run in place by .now().")
    GRACE: float = _seconds(
        30.0, 0, DAY, "How long a stopping worker lets running jobs finish before it releases them."
    )

    KILL_GRACE: float = _seconds(
        10.0,
        0.1,
        3600,
        "How long a job may go on after its timeout, or an isolated one after a request to "
        "cancel, before it is ended by force.",
    )

    # Work: which queues, how much at once.
    POLL_INTERVAL: float = _seconds(1.0, 0.01, 3600, "How often an idle worker looks for jobs.")
    NOTIFY: bool = _setting(True, Flag(), "Wake workers at once on PostgreSQL (a hint only).")
    CONCURRENCY: int = _setting(
        10, Whole(1, 1000), "Jobs at once in a queue that names no number.", unit="jobs"
    )
    QUEUES: Mapping[str, int] = _setting(
        {}, Queues(), "Queues to work on; empty means every queue that a job names, and default."
    )
    STRICT_QUEUES: bool = _setting(False, Flag(), "Refuse to enqueue into queues not in QUEUES.")
    PROCESSES: int = _setting(
        1, Whole(1, 256), "Worker processes of one runjobs.", unit="processes"
    )

    MAX_JOBS: int | None = _setting(
        None,
        Whole(1, 1_000_000_000, optional=True),
        "Jobs after which a worker process is replaced by a new one.",
        unit="jobs",
    )
    MAX_RSS: int | None = _setting(
        None,
        Size(MEBIBYTE, 2**50),
        "Resident memory above which a worker process is replaced; as a text also 300M or 2G.",
        unit="bytes",
    )

    ACK: str = _setting(
        "batch",
        Choice(("batch", "each")),
        "Whether outcomes are committed in batches, within milliseconds, or each by itself.",
    )

    # Failures.
    MAX_ATTEMPTS: int = _setting(
        3, Whole(1, 1_000_000), "Failures after which a job gives up.", unit="failures"
    )
    CRASH_LIMIT: int = _setting(
        3, Whole(1, 1000), "Process deaths after which a job gives up.", unit="deaths"
    )
    BACKOFF: Policy = _setting(  # noqa: RUF009 - it returns a dataclass field
        "exponential", Backoff(), "How the wait between attempts grows."
    )
    BACKOFF_BASE: float = _seconds(15.0, 0, DAY, "First wait of the named strategies.")
    BACKOFF_MAX: float = _seconds(float(DAY), 0, YEAR, "Longest wait between attempts.")

    # Limits of what is stored.
    PAYLOAD_MAX_BYTES: int = _setting(
        262_144, Whole(1024, 64 * MEBIBYTE), "Largest arguments of a job.", unit="bytes"
    )
    RESULT_MAX_BYTES: int = _setting(
        MEBIBYTE, Whole(1024, 64 * MEBIBYTE), "Largest result of a job.", unit="bytes"
    )
    PAYLOAD_MAX_DEPTH: int = _setting(
        50, Whole(1, 200), "Deepest nesting of arguments and results.", unit="levels"
    )
    PROGRESS_INTERVAL: float = _seconds(
        0.3, 0, 3600, "Progress is written at most this often; the last update always lands."
    )
    LOG_MAX_LINES: int = _setting(
        1000, Whole(0, 1_000_000), "Log lines kept per attempt.", unit="lines"
    )
    TRACKING_ENABLED: bool = _setting(True, Flag(), "Keep a JobTransition for every state change.")
    TRACKING_PERSIST_TRANSITIONS: bool = _setting(
        True, Flag(), "Write the transitions to the database; else only the jobs' current state."
    )

    # What nobody may see.
    SENSITIVE_KEYS: tuple[str, ...] = _setting(
        DEFAULT_KEYS,
        Patterns(),
        "Keys whose values are never shown, in arguments, results and log data.",
    )

    # Parts that can be replaced.
    CODEC: str = _setting(
        "django_jobs.codec.JSONCodec", DottedPath(), "How arguments and results are stored."
    )
    STORE: str | None = _setting(
        None,
        DottedPath(optional=True),
        "Where jobs are kept; when not set, the fastest store for the database.",
    )

    # The enqueue buffer.
    RECOVERY_DB_ALIAS: str | None = _setting(
        None,
        DatabaseAlias(),
        "Database that keeps new jobs while their own is out of reach; none when not set.",
    )
    RECOVERY_MAX_JOBS: int = _setting(
        10_000, Whole(1, 10_000_000), "Most jobs that wait there.", unit="jobs"
    )

    # What the pages of the admin read.
    ROLLUPS: bool = _setting(
        True, Flag(), "Count ended attempts by minute, for the charts of the admin."
    )
    ROLLUP_RETENTION_DAYS: float = _setting(
        30.0, Amount(1, 36_500, "days"), "How long these sums are kept.", unit="days"
    )
    AUDIT_RETENTION_DAYS: float = _setting(
        365.0,
        Amount(0, 36_500, "days"),
        "How long is kept what operators did.",
        unit="days",
    )
    RELEASE: str = _setting(
        "", Text(100), "The release of the site, such as a version or a commit; deploys show by it."
    )
    REASON_REQUIRED: bool = _setting(
        False, Flag(), "Whether people have to say in the admin why they do something."
    )
    PERMISSION_HOOK: str | None = _setting(
        None,
        DottedPath(optional=True),
        "A function that decides who may do what to which job or queue, beside the permissions.",
    )

    # Cleaning up.
    CLEANUP_ENABLED: bool = _setting(True, Flag(), "Delete old jobs by the schedule jobs.cleanup.")
    CLEANUP_RETENTION_DAYS: float = _setting(
        30.0, Amount(0, 36_500, "days"), "How long ended jobs are kept.", unit="days"
    )
    CLEANUP_RETENTION: Mapping[str, float] = _setting(
        {}, Retention(), "Exceptions to CLEANUP_RETENTION_DAYS by status.", unit="days"
    )
    CLEANUP_INTERVAL: float = _seconds(21_600.0, 60, YEAR, "Time between two cleanups.")
    CLEANUP_BATCH_SIZE: int = _setting(
        1000, Whole(1, 100_000), "Rows deleted by one statement.", unit="rows"
    )
    CLEANUP_MAX_BATCHES: int = _setting(
        1, Whole(1, 1_000_000), "Batches of one cleanup.", unit="batches"
    )

    # Schedules.
    CRON_MIN_INTERVAL: float = _seconds(
        60.0, 60, YEAR, "Schedules that fire more often than this are refused."
    )

    @property
    def writes_transitions(self) -> bool:
        """Whether every state change leaves a row."""
        return self.TRACKING_ENABLED and self.TRACKING_PERSIST_TRANSITIONS

    @property
    def heartbeat_interval(self) -> float:
        """Seconds between two renewals of leases."""
        return self.LEASE / 4 if self.HEARTBEAT is None else self.HEARTBEAT

    @property
    def control_timeout(self) -> float:
        """Seconds that one statement of a worker's own may take."""
        return self.LEASE / 4 if self.CONTROL_TIMEOUT is None else self.CONTROL_TIMEOUT


def _keys() -> dict[str, Key]:
    defaults = Configuration()
    return {
        one.name: Key(one.name, getattr(defaults, one.name), **one.metadata)
        for one in fields(Configuration)
    }


#: Every setting by its name, in the order of :class:`Configuration`.
KEYS: Final[dict[str, Key]] = _keys()
