"""``InStatus``: a list of statuses as a condition that SQLite recognises."""

from __future__ import annotations

from collections.abc import Collection

from django.db import models

from django_jobs.states import Status


class InStatus(models.Func):
    """``status IN ('retrying', 'scheduled')``, in the words of the partial indexes.

    SQLite takes a partial index only if the statement has the index's condition as it stands;
    with parameters in the list it reads the whole table, at every look of the promoter.
    """

    conditional = True
    template = "%(expressions)s IN (%(words)s)"

    def __init__(self, statuses: Collection[Status]) -> None:
        # Sorted, as in the indexes. They are constants of ours: nothing to be escaped.
        words = ", ".join(f"'{Status(status)}'" for status in sorted(statuses))
        super().__init__(models.F("status"), words=words, output_field=models.BooleanField())
