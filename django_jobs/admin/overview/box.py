"""How the jobs do, for the front page of an admin: three statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from django_jobs.admin.overview.history import HOUR
from django_jobs.admin.overview.lamp import lamp_url
from django_jobs.admin.overview.light import known_light
from django_jobs.admin.overview.now import glance_of
from django_jobs.admin.overview.tiles import Tile, numbers_of
from django_jobs.admin.overview.verdict import Verdict, verdict_on
from django_jobs.admin.shared.addresses import Addresses
from django_jobs.states import Status
from django_jobs.stats import ended_totals

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Box:
    """What the template of the box shows.

    Attributes:
        verdict: one sentence.
        tiles: numbers of now.
        url: the overview.
        lamp_url: of the picture that lets the doctor look; empty if he need not.
    """

    verdict: Verdict
    tiles: list[Tile]
    url: str
    lamp_url: str


def box_of(request: HttpRequest) -> Box:
    """Read it."""
    addresses = Addresses.of(request)
    now = glance_of(request)
    failed = ended_totals(timezone.now() - HOUR).get(Status.FAILED, 0)
    # The front page does not wait for the doctor.
    seen = known_light()
    return Box(
        verdict=verdict_on(now, failed, seen, addresses),
        tiles=numbers_of(now, addresses),
        url=addresses.overview(),
        lamp_url=lamp_url(seen, addresses),
    )
