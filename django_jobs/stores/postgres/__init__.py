"""The database store on PostgreSQL: the same promises, in far fewer statements.

Claiming, completing and renewing are one statement each for any number of jobs, enqueueing for a
thousand that are alike. Everything else is left to the portable store.
"""

from __future__ import annotations

from django_jobs.stores.database import DatabaseStore
from django_jobs.stores.postgres.claiming import FastClaiming
from django_jobs.stores.postgres.enqueueing import FastEnqueueing
from django_jobs.stores.postgres.finishing import FastFinishing


class PostgresStore(FastEnqueueing, FastClaiming, FastFinishing, DatabaseStore):
    """Jobs in PostgreSQL 15 or newer."""
