"""Taking many jobs, from any number of queues, with one statement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django_jobs.chains import claim_chain
from django_jobs.states import Status
from django_jobs.stores.database.claiming import Claiming
from django_jobs.stores.database.retrying import retried
from django_jobs.stores.postgres.sql import fetch, recorded, tables, uuid_array
from django_jobs.stores.records import ClaimedJob, ClaimRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

# The due jobs of one queue. An ARRAY(…) is computed once: of a locking SELECT inside IN (…)
# PostgreSQL may ignore the LIMIT, because it may run it again for every row.
_DUE: Final = """ARRAY(
    SELECT ctid FROM {job}
    WHERE status = 'pending' AND queue = %s AND job_name = ANY(%s)
        AND (expires_at IS NULL OR expires_at > statement_timestamp())
        AND NOT EXISTS (
            SELECT FROM {queue} WHERE name = %s
                AND (paused_at IS NOT NULL OR max_running IS NOT NULL OR rate_limit IS NOT NULL)
        )
    ORDER BY priority, scheduled_for, id
    LIMIT %s
    FOR NO KEY UPDATE SKIP LOCKED
)"""

# By ctid: the rows were just locked, so nobody moves them, and no index is searched again. Nothing
# else is said about them: status = 'pending' would offer the planner the index of pending jobs,
# which it takes for an empty one when its statistics are old, and reads as a whole.
_TAKE: Final = """
WITH moved AS (
    UPDATE {job}
    SET status = 'running', lease = lease + 1, attempt_count = attempt_count + 1,
        worker_process = %s, worker_started_at = statement_timestamp(),
        worker_expires_at = statement_timestamp() + make_interval(secs => %s),
        progress = 0, progress_message = '', completed_at = NULL,
        updated_at = statement_timestamp()
    WHERE ctid = ANY({due})
    RETURNING id, job_name, queue, params, lease, attempt_count, failure_count, max_attempts,
        timeout, correlation_id, crash_count, priority, scheduled_for
)
{record}
SELECT id, job_name, queue, params, lease, attempt_count, failure_count, max_attempts, timeout,
    correlation_id, crash_count,
    greatest(date_part('epoch', statement_timestamp() - scheduled_for), 0)
FROM moved ORDER BY priority, scheduled_for, id
"""


# One statement: a worker that is stopped in the middle holds no lock that keeps its jobs from a
# rescue. One row that somebody has locked does not keep the other leases from being renewed.
_RENEW: Final = """
UPDATE {job}
SET worker_expires_at = statement_timestamp() + make_interval(secs => %s)
WHERE id = ANY(ARRAY(
    SELECT id FROM {job} WHERE status = 'running' AND worker_process = ANY(%s::uuid[])
    FOR NO KEY UPDATE SKIP LOCKED
))
RETURNING id
"""

#: Of text that PostgreSQL wrote, without white space around it: a third of the time of loads().
_decode: Final = json.JSONDecoder().raw_decode


class FastClaiming(Claiming):
    """Takes due jobs, and keeps them, in one round trip."""

    @retried
    def _claim_free(self, request: ClaimRequest) -> list[ClaimedJob]:
        if claim_chain:
            return super()._claim_free(request)  # filters are querysets
        holder, names = request.holder, list(request.job_names)
        record, recording = recorded(Status.PENDING, Status.RUNNING, holder.name)
        due: list[Any] = []
        for queue, limit in request.limits.items():
            due += [queue, names, queue, limit]
        arrays = " || ".join([_DUE.format(**tables())] * len(request.limits))
        sql = _TAKE.format(**tables(), due=arrays, record=record)
        # Not prepared: a plan from when the table was small reads all of a large one.
        rows = fetch(sql, [holder.process, holder.lease, *due, *recording])
        return [_claimed(row, holder.name) for row in rows]

    @retried
    def renew(self, processes: Collection[UUID], lease: float) -> int:
        return len(fetch(_RENEW.format(**tables()), [lease, uuid_array(processes)]))


def _claimed(row: Sequence[Any], actor: str) -> ClaimedJob:
    id_, job_name, queue, params, *counters, waited = row
    return ClaimedJob(id_, job_name, queue, _decode(params)[0], *(*counters, actor, waited))
