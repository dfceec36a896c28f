"""What may be called what: the patterns of job, queue and worker names."""

from __future__ import annotations

import re
from typing import Final

from django_jobs.exceptions import InvalidJob, InvalidOption, InvalidQueueName

#: Letters, digits and ``_ . : -``; nothing that could be read as markup, path or shell.
JOB_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,200}", re.ASCII)

#: Queues and workers share one pattern.
QUEUE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{3,50}", re.ASCII)

#: The built-in job that deletes old jobs, and its schedule.
CLEANUP: Final = "jobs.cleanup"

#: The built-in job that retries the jobs of a group of failures, little by little.
RETRY_FAILURES: Final = "jobs.retry_failures"

#: The built-in job that does to many jobs what an operator asked for.
BULK: Final = "jobs.bulk"

#: Those that only pages of the admin enqueue.
INTERNAL: Final = frozenset({RETRY_FAILURES, BULK})

#: Jobs that are there although nobody has written any.
BUILT_IN: Final = frozenset({CLEANUP, RETRY_FAILURES, BULK})


def check_job_name(name: object) -> str:
    """Return ``name`` if a job may be called so.

    Raises:
        InvalidJob: otherwise.
    """
    if isinstance(name, str) and JOB_NAME.fullmatch(name):
        return name
    raise InvalidJob(
        "A job name is 1 to 200 letters, digits, dots, colons, dashes or underscores; "
        f"got {_shown(name)}."
    )


def check_queue_name(name: object) -> str:
    """Return ``name`` if a queue may be called so.

    Raises:
        InvalidQueueName: otherwise.
    """
    if isinstance(name, str) and QUEUE_NAME.fullmatch(name):
        return name
    raise InvalidQueueName(
        f"queue: 3 to 50 letters, digits, dashes or underscores are allowed; got {_shown(name)}."
    )


def check_worker_name(name: object) -> str:
    """Return ``name`` if a worker may be called so.

    Raises:
        InvalidOption: otherwise.
    """
    if isinstance(name, str) and QUEUE_NAME.fullmatch(name):
        return name
    raise InvalidOption(
        f"worker: 3 to 50 letters, digits, dashes or underscores are allowed; got {_shown(name)}."
    )


def _shown(name: object) -> str:
    return f"{name!r:.100}" if isinstance(name, str) else f"a {type(name).__name__}"
