"""What became of the latest times of a schedule, as a strip of small boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from django_jobs.admin.shared import shown
from django_jobs.crontab import Crontab
from django_jobs.crontab.zones import zone_named
from django_jobs.exceptions import JobsError
from django_jobs.models import CronJob, CronSlot, Job, SlotOutcome
from django_jobs.states import Status

if TYPE_CHECKING:
    from uuid import UUID

    from django.utils.safestring import SafeString

#: Times that the strip shows.
SHOWN: Final = 30
#: A slot whose job came later than this after its time is late; before that, none is missed.
ON_TIME: Final = timedelta(seconds=60)

_WIDTH: Final = 8
_HEIGHT: Final = 24


@dataclass(frozen=True, slots=True)
class Box:
    """One time of a schedule.

    Attributes:
        at: the time.
        kind: for the style sheet.
        label: the same in words.
        note: more of it: how late, or why it was skipped.
    """

    at: datetime
    kind: str
    label: str
    note: str = ""

    @property
    def told(self) -> str:
        """All of it as one line."""
        at = formats.date_format(self.at, "D Y-m-d H:i T")
        return f"{at}: {self.label}" + (f" ({self.note})" if self.note else "")


def strip(row: CronJob) -> SafeString | str:
    """The latest times, oldest first, each a box with a title: two queries."""
    try:
        boxes = latest(row)
    except JobsError as error:
        return shown.warning(error)
    if not boxes:
        return shown.NOTHING
    counted = Counter(box.label for box in boxes)
    label = _("The latest %(count)d times: %(outcomes)s") % {
        "count": len(boxes),
        "outcomes": ", ".join(f"{number} {name}" for name, number in counted.most_common()),
    }
    drawn = format_html_join("", "{}", ((_drawn(place, box),) for place, box in enumerate(boxes)))
    return format_html(
        '<svg class="jobs-strip" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
        '<span class="jobs-line jobs-quiet">{}</span>',
        len(boxes) * _WIDTH,
        _HEIGHT,
        label,
        drawn,
        label,
    )


def _drawn(place: int, box: Box) -> SafeString:
    # Not by colour alone: what did not run is lower.
    height = _HEIGHT - 2 if box.kind not in ("missed", "skipped") else _HEIGHT // 2
    return format_html(
        '<rect class="jobs-box-{}" x="{}" y="{}" width="{}" height="{}" rx="1">'
        "<title>{}</title></rect>",
        box.kind,
        place * _WIDTH + 1,
        _HEIGHT - 1 - height,
        _WIDTH - 2,
        height,
        box.told,
    )


def latest(row: CronJob) -> list[Box]:
    """What became of the latest times of a schedule, oldest first.

    Raises:
        InvalidCron, InvalidTimezone: the stored expression cannot be read.
    """
    newest = row.slots.order_by("-slot_at")
    slots = {_aware(slot.slot_at): slot for slot in newest[:SHOWN]}
    now = timezone.now()
    crontab = Crontab.parse(row.cron_expression, row.timezone, row.name)
    # The time it was last planned for is the first one that nothing is known of yet.
    end = min(_aware(now) - ON_TIME, _aware(row.next_run_at or now) - timedelta(seconds=1))
    expected = crontab.latest_between(_aware(row.created_at), end, SHOWN)
    zone = zone_named(row.timezone)
    times = sorted({*slots, *expected})[-SHOWN:]
    statuses = _statuses(slots.values())
    return [_box(at.astimezone(zone), slots.get(at), statuses) for at in times]


def _statuses(slots: Iterable[CronSlot]) -> dict[UUID, str]:
    ids = [slot.job_id for slot in slots if slot.job_id is not None]
    return dict(Job.objects.filter(pk__in=ids).values_list("pk", "status"))


def _box(at: datetime, slot: CronSlot | None, statuses: dict[UUID, str]) -> Box:
    if slot is None:
        return Box(at, "missed", _("missed"))
    if slot.outcome == SlotOutcome.SKIPPED:
        return Box(at, "skipped", _("skipped"), slot.reason)
    late = slot.created_at - slot.slot_at
    note = slot.reason
    if not note and late > ON_TIME:
        note = _("%(length)s late") % {"length": shown.duration(late)}
    status = statuses.get(slot.job_id) if slot.job_id else None
    if status is None:
        return Box(at, "fired", _("fired, its job was deleted"), note)
    label = str(Status(status).label) if status in Status.values else status
    return Box(at, status, label, note)


def _aware(moment: datetime) -> datetime:
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
