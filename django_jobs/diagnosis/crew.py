"""Who could take a job: the worker processes that are alive, and their slots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import router
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Now

from django_jobs.conf import config
from django_jobs.models import DesiredState, Job, Worker, WorkerProcess, WorkerState
from django_jobs.registry import registry

#: Processes that are looked at.
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Crew:
    """The live processes, seen from one job.

    Attributes:
        queue: its queue.
        job_name: its name.
        alive: all that showed a heartbeat within a lease, with their workers; ``busy`` is set to
            the number of jobs of the queue that each holds.
    """

    queue: str
    job_name: str
    alive: list[Any]

    @classmethod
    def of(cls, queue: str, job_name: str) -> Crew:
        """Read it, with one statement."""
        held = Job.objects.running().filter(worker_process=OuterRef("pk"), queue=queue)
        busy = held.order_by().values("worker_process").annotate(count=Count("pk")).values("count")
        alive = (
            WorkerProcess.objects.using(router.db_for_write(Job))
            .filter(last_heartbeat_at__gt=Now() - timedelta(seconds=config.LEASE))
            .select_related("worker")
            .annotate(busy=Subquery(busy))
            .order_by("worker_id", "started_at")
        )
        return cls(queue, job_name, list(alive[:MOST]))

    @property
    def serving(self) -> list[Any]:
        """Those that have the queue."""
        return [one for one in self.alive if self.queue in _queues(one)]

    @property
    def knowing(self) -> list[Any]:
        """Those of them whose release has the job."""
        return [one for one in self.serving if _knows(one.worker, self.job_name)]

    @property
    def taking(self) -> list[Any]:
        """Those of them that take new jobs."""
        return [
            one
            for one in self.knowing
            if one.worker.desired_state == DesiredState.RUN
            and one.worker.state == WorkerState.RUNNING
        ]

    @property
    def slots(self) -> int:
        """Jobs of the queue that may run at the same time."""
        numbers = [_queues(one)[self.queue] for one in self.taking]
        return sum(number for number in numbers if isinstance(number, int))

    @property
    def busy(self) -> int:
        """Jobs of the queue that they hold."""
        return sum(one.busy or 0 for one in self.taking)

    @property
    def other_queues(self) -> list[str]:
        """What those serve that do not have the queue."""
        return sorted({str(name) for one in self.alive for name in _queues(one)} - {self.queue})


def _knows(worker: Worker, job_name: str) -> bool:
    """As the worker says; of one that does not say it is assumed that it runs this code."""
    if isinstance(worker.job_names, list):
        return job_name in worker.job_names
    return registry.has(job_name)


def names(processes: list[Any]) -> list[str]:
    """The workers of some processes, each once."""
    return sorted({one.worker_id for one in processes})


def labels(processes: list[Any]) -> list[str]:
    """The same with the releases that they run."""
    workers = {one.worker_id: one.worker for one in processes}
    return [
        f"{name} ({worker.release})" if worker.release else name
        for name, worker in sorted(workers.items())
    ]


def _queues(process: Any) -> dict[str, Any]:
    queues = process.worker.queues
    return queues if isinstance(queues, dict) else {}
