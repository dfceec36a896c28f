"""Ending many attempts with one statement."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from django_jobs.states import Status
from django_jobs.stores.database.finishing import Finishing
from django_jobs.stores.database.moves import writing
from django_jobs.stores.database.retrying import retried
from django_jobs.stores.postgres.sql import fetch, integer_array, recorded, tables, uuid_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_jobs.outcome import Outcome
    from django_jobs.stores.records import Finish

# The array makes PostgreSQL search the primary key once per job. Left alone it reads the whole
# table if that is small, and with status = 'running' it takes the index of running jobs for an
# empty one, hence the other spelling.
_COMPLETE: Final = """
WITH done AS (
    SELECT * FROM unnest(%s::uuid[], %s::bigint[]{array})
        WITH ORDINALITY AS done (id, lease{name}, place)
), moved AS (
    UPDATE {job} AS job
    SET status = 'completed', result = {result}, error = '', fingerprint = '',
        progress = 100,
        updated_at = statement_timestamp(), completed_at = statement_timestamp(),
        worker_process = NULL, worker_expires_at = NULL, cancel_requested_at = NULL
    FROM done
    WHERE job.id = ANY(ARRAY(SELECT id FROM done)) AND job.id = done.id
        AND job.lease = done.lease AND job.status || '' = 'running'
    RETURNING job.id, job.lease, job.attempt_count, done.place
)
{record}
SELECT place FROM moved
"""


#: Characters of the results in one statement, unless a single one has more.
_MOST_TEXT: Final = 16 * 1024 * 1024


class FastFinishing(Finishing):
    """Completes jobs in one round trip; whatever else became of them goes the portable way."""

    @retried
    def finish(self, finishes: Sequence[Finish]) -> list[Outcome | None]:
        kinds: dict[str | None, list[int]] = defaultdict(list)
        for place, finish in enumerate(finishes):
            is_simple = finish.outcome.status == Status.COMPLETED and finish.report is None
            kinds[finish.actor if is_simple else None].append(place)
        if len(kinds) == 1 and None not in kinds:
            return _complete(finishes)
        written: list[Outcome | None] = [None] * len(finishes)
        with writing():
            for actor, places in kinds.items():
                alike = [finishes[place] for place in places]
                outcomes = super().finish(alike) if actor is None else _complete(alike)
                for place, outcome in zip(places, outcomes, strict=True):
                    written[place] = outcome
        return written


def _complete(finishes: Sequence[Finish]) -> list[Outcome | None]:
    """Complete what one actor has done."""
    results = [finish.outcome.result for finish in finishes]
    texts = [None if result is None else json.dumps(result) for result in results]
    if len(finishes) > 1 and sum(len(text) for text in texts if text) > _MOST_TEXT:
        middle = len(finishes) // 2
        return [*_complete(finishes[:middle]), *_complete(finishes[middle:])]
    accepted = _write(finishes, texts)
    return [finish.outcome if place in accepted else None for place, finish in enumerate(finishes)]


def _write(finishes: Sequence[Finish], texts: list[str | None]) -> set[int]:
    """Run the statement; return the places of those that were accepted."""
    record, recording = recorded(Status.RUNNING, Status.COMPLETED, finishes[0].actor)
    arrays: list[Any] = [
        uuid_array(finish.job.id for finish in finishes),
        integer_array(finish.job.lease for finish in finishes),
    ]
    parts = {"array": "", "name": "", "result": "NULL"}
    if any(texts):
        arrays.append(texts)
        parts = {"array": ", %s::text[]", "name": ", result", "result": "done.result::jsonb"}
    sql = _COMPLETE.format(**tables(), **parts, record=record)
    return {place - 1 for (place,) in fetch(sql, [*arrays, *recording])}
