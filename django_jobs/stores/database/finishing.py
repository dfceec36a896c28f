"""Ending attempts, and what a running job reports. Every write here is fenced by id and lease."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import F
from django.db.models.functions import Now

from django_jobs.models import JobLog
from django_jobs.outcome import Outcome
from django_jobs.states import DELAYED, FAILURES, Actor, Status
from django_jobs.stores.base import Store
from django_jobs.stores.database.moves import (
    Among,
    Row,
    database,
    jobs,
    lock,
    move,
    seconds_from_now,
    writing,
)
from django_jobs.stores.database.retrying import retried
from django_jobs.stores.records import Finish, Report

if TYPE_CHECKING:
    from uuid import UUID


class Finishing(Store):
    """Verbs of a lease holder about its running jobs."""

    @retried
    def finish(self, finishes: Sequence[Finish]) -> list[Outcome | None]:
        with writing():
            held = _held(finish.job.id for finish in finishes)
            checked = [_if_held(finish, held.get(finish.job.id)) for finish in finishes]
            accepted = [finish for finish in checked if finish is not None]
            for alike in _group(accepted).values():
                _end(alike, [held[finish.job.id].row for finish in alike])
            _save_lines(finish.report for finish in accepted if finish.report)
        return [finish.outcome if finish else None for finish in checked]

    @retried
    def report(self, reports: Sequence[Report]) -> None:
        with writing():
            held = _held(report.job_id for report in reports)
            for report in reports:
                found = held.get(report.job_id)
                if found is None or found.row.lease != report.lease:
                    continue
                if report.percent is not None:
                    jobs().filter(id=report.job_id, lease=report.lease).update(**_progress(report))
                _save_lines([report])


class _Held(NamedTuple):
    row: Row
    cancel_requested: bool


def _held(ids: Iterable[UUID]) -> dict[UUID, _Held]:
    """Lock the running ones of these jobs, in one order so that two finishers can't deadlock."""
    rows = jobs().filter(Among(list(ids), [Status.RUNNING])).order_by("id")
    found = lock(rows, skip_locked=False).values_list(
        "id", "status", "lease", "attempt_count", "cancel_requested_at"
    )
    return {row[0]: _Held(Row(*row[:4]), row[4] is not None) for row in found}


def _if_held(finish: Finish, held: _Held | None) -> Finish | None:
    """The finish, if its lease is the current one."""
    if held is None or held.row.lease != finish.job.lease:
        return None
    return _obey_cancel(finish, held)


def _obey_cancel(finish: Finish, held: _Held) -> Finish:
    """A job that was asked to cancel is not put back for another attempt."""
    goes_back = finish.outcome.status in DELAYED or finish.outcome.status == Status.PENDING
    if not (held.cancel_requested and goes_back):
        return finish
    outcome = replace(finish.outcome, status=Status.CANCELLED, reason="cancel requested")
    return replace(finish, outcome=outcome)


def _group(finishes: Iterable[Finish]) -> dict[Any, list[Finish]]:
    """Attempts that end alike share their statements: most batches need two."""
    groups: dict[Any, list[Finish]] = defaultdict(list)
    for finish in finishes:
        outcome, report = finish.outcome, finish.report
        key = (
            outcome.status,
            None if outcome.result is None else json.dumps(outcome.result),
            outcome.error,
            outcome.reason,
            outcome.delay,
            outcome.due,
            outcome.failed,
            outcome.crashed,
            outcome.signature,
            finish.actor,
            (report.percent, report.message) if report else None,
        )
        groups[key].append(finish)
    return groups


def _end(alike: Sequence[Finish], rows: Sequence[Row]) -> None:
    first = alike[0]
    outcome = first.outcome
    changes = _columns(outcome)
    if first.report is not None and first.report.percent is not None:
        changes = _progress(first.report) | changes
    move(
        rows,
        outcome.status,
        Actor.WORKER,
        actor=first.actor,
        reason=outcome.reason,
        error=outcome.error,
        changes=changes,
    )


def _columns(outcome: Outcome) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if outcome.status == Status.COMPLETED:
        changes |= {"result": outcome.result, "error": "", "fingerprint": "", "progress": 100}
    if outcome.error:
        changes["error"] = outcome.error
    if outcome.signature is not None and outcome.status in FAILURES:
        changes["fingerprint"] = outcome.signature.fingerprint
    if outcome.failed:
        changes["failure_count"] = F("failure_count") + 1
    if outcome.crashed:
        changes["crash_count"] = F("crash_count") + 1
    if outcome.status in DELAYED:
        changes["scheduled_for"] = outcome.due or seconds_from_now(outcome.delay)
    return changes


def _progress(report: Report) -> dict[str, Any]:
    return {
        "progress": report.percent,
        "progress_message": report.message,
        "updated_at": Now(),
    }


def _save_lines(reports: Iterable[Report]) -> None:
    lines = [
        JobLog(
            job_id=report.job_id,
            attempt=line.attempt,
            at=line.at,
            level=line.level,
            message=line.message,
            data=line.data,
        )
        for report in reports
        for line in report.lines
    ]
    if lines:
        JobLog.objects.using(database()).bulk_create(lines)
