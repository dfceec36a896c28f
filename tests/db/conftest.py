"""The conformance suite runs against every store."""

from __future__ import annotations

import pytest
from django.db import connection

from django_jobs.stores import active_store
from django_jobs.stores.base import Store
from tests.scenes import Configure

# Without a path: the fastest for the database, which on SQLite is the portable one.
STORES = [
    None,
    *(["django_jobs.stores.database.DatabaseStore"] if connection.vendor != "sqlite" else []),
]


@pytest.fixture(params=STORES, ids=[(path or "fastest").rpartition(".")[2] for path in STORES])
def store(request: pytest.FixtureRequest, db: None, configure: Configure) -> Store:
    configure(STORE=request.param)
    return active_store()
