"""A store that notes how long each claim took; ``DJANGO_JOBS["STORE"]`` may name it."""

from __future__ import annotations

import os
import time
from functools import cache

from benchmarks.claim_records import RECORD
from django_jobs.stores.postgres import PostgresStore
from django_jobs.stores.records import ClaimedJob, ClaimRequest


class TimedStore(PostgresStore):
    """Writes a record of every claim to the file ``BENCH_CLAIMS``."""

    def claim(self, request: ClaimRequest) -> list[ClaimedJob]:
        moment, began = time.time(), time.perf_counter()
        claimed = super().claim(request)
        os.write(_file(), RECORD.pack(moment, time.perf_counter() - began, len(claimed)))
        return claimed


@cache
def _file() -> int:
    return os.open(os.environ["BENCH_CLAIMS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
