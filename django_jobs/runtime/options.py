"""What a worker was started with."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django_jobs.conf import config
from django_jobs.names import QUEUE_NAME
from django_jobs.registry import registry


class Mode(StrEnum):
    """When a worker ends by itself."""

    FOREVER = "forever"
    ONCE = "once"  # after one claim and its jobs
    DRAIN = "drain"  # when nothing is due


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a worker does.

    Attributes:
        name: of the worker; several processes on several machines may share it.
        queues: queue → jobs at a time, in each process.
        processes: worker processes to keep alive.
        mode: when to end.
        services: whether to run the periodic services.
    """

    name: str
    queues: Mapping[str, int]
    processes: int
    mode: Mode = Mode.FOREVER
    services: bool = True


def default_queues() -> dict[str, int]:
    """The configured queues, or every queue that a registered job names."""
    if config.QUEUES:
        return dict(config.QUEUES)
    names = {"default", *registry.queues()}
    return dict.fromkeys(sorted(names), config.CONCURRENCY)


def default_name() -> str:
    """A name from the host's, with characters a worker's name may have."""
    host = "".join(
        character if QUEUE_NAME.fullmatch(character * 3) else "-"
        for character in socket.gethostname().partition(".")[0]
    )
    return (host if len(host) >= 3 else f"worker-{host}")[:50]
