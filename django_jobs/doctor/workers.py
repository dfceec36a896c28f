"""Who works."""

from __future__ import annotations

from django_jobs.doctor.examination import examination
from django_jobs.doctor.finding import Verdict, ok, problem, warn
from django_jobs.doctor.patient import Patient
from django_jobs.doctor.wording import counted, listed, span
from django_jobs.models import DesiredState, Worker, WorkerState


@examination("live workers")
def live_workers(patient: Patient) -> Verdict:
    """Whether anybody shows a heartbeat."""
    live = patient.live_processes
    if live:
        workers = {one.worker_id for one in live}
        oldest = max(patient.age(one.last_heartbeat_at) for one in live)
        return ok(
            f"{counted(len(workers), 'worker', 'workers')} with "
            f"{counted(len(live), 'process', 'processes')}; "
            f"the oldest heartbeat is {span(max(oldest.total_seconds(), 0))} old"
        )
    fix = "Start one: “manage.py runjobs”."
    return problem("none, and jobs are due", fix) if patient.heads else warn("none", fix)


@examination("silent workers")
def silent_workers(patient: Patient) -> Verdict:
    """Those that went without a word: killed, cut off, or hanging."""
    silent = [
        f"{one.worker_id} ({one}, {span(patient.age(one.last_heartbeat_at))})"
        for one in patient.processes
        if patient.age(one.last_heartbeat_at) > patient.lease
    ]
    present = {one.worker_id for one in patient.processes}
    silent += [
        f"{worker.name} ({span(patient.age(worker.last_heartbeat_at))})"
        for worker in _meant_to_run(patient)
        if worker.name not in present
        and worker.last_heartbeat_at is not None
        and patient.age(worker.last_heartbeat_at) > patient.lease
    ]
    if not silent:
        return ok("none")
    return warn(
        f"no heartbeat for longer than LEASE ({span(patient.lease)}): {listed(silent)}",
        "Their jobs are taken back by the others. See whether the machine is up and what the "
        "worker logged; start it again. If it is gone for good, delete its row in the admin.",
    )


def served_queues(patient: Patient) -> set[str]:
    """The queues that a live worker claims from: one that was told to stop does not."""
    return {
        name
        for one in patient.live_processes
        if one.worker.desired_state == DesiredState.RUN
        and one.worker.state == WorkerState.RUNNING
        and isinstance(one.worker.queues, dict)
        for name in one.worker.queues
    }


def _meant_to_run(patient: Patient) -> list[Worker]:
    workers = Worker.objects.using(patient.alias).exclude(state=WorkerState.STOPPED)
    return list(workers.order_by("name")[:1000])
