"""The database store: jobs in the site's own database, through the ORM, on any of them."""

from __future__ import annotations

from django_jobs.stores.base import Store
from django_jobs.stores.database.adopting import Adopting
from django_jobs.stores.database.claiming import Claiming
from django_jobs.stores.database.deleting import Deleting
from django_jobs.stores.database.finishing import Finishing
from django_jobs.stores.database.governing import Governing
from django_jobs.stores.database.operating import Operating
from django_jobs.stores.database.sweeping import Sweeping


class DatabaseStore(Adopting, Claiming, Finishing, Sweeping, Deleting, Operating, Governing, Store):
    """Jobs in the database that the router names for :class:`~django_jobs.models.Job`.

    One trait per file; what changes a status goes through
    :mod:`~django_jobs.stores.database.moves`.
    """
