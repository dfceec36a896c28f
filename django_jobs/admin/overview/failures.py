"""The failures that came most often, by their fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_jobs.admin.addresses import Addresses


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A group of failures.

    Attributes:
        job_name: of the job.
        exception_type: what was raised; empty for who may not see errors.
        count: how often.
        url: its page.
    """

    job_name: str
    exception_type: str
    count: str
    url: str


def top_failures(addresses: Addresses, *, with_payload: bool) -> list[FailureRow]:
    """The groups that matter now; none until there is a table of them."""
    return []
