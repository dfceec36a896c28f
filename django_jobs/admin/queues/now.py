"""What the pages of queues show of the moment: depth, wait, rates, and who serves them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.admin.utils import quote
from django.db.models.functions import Now
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_jobs.admin.shared import charts, job_links, shown
from django_jobs.admin.shared.addresses import address
from django_jobs.admin.shared.beside import Beside
from django_jobs.conf import config
from django_jobs.models import DesiredState, Queue, Worker, WorkerState
from django_jobs.states import Status
from django_jobs.stats import Count, QueueNow, QueueRate, queue_rates, queues_now

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.utils.safestring import SafeString

#: Workers that a list names; of more it tells the number.
NAMED: Final = 3
#: A pause that is over for longer than this should have been ended by a worker.
OVERDUE: Final = timedelta(minutes=1)
_NO_RATE: Final = QueueRate(0.0, 0.0)


@dataclass(slots=True)
class Picture:
    """A queue as the pages show it.

    Attributes:
        now: how full it is.
        rate: jobs per minute in and out.
        workers: names of the live workers that serve it and claim.
    """

    now: QueueNow
    rate: QueueRate
    workers: list[str]

    @property
    def is_abandoned(self) -> bool:
        """Whether jobs wait that no worker is going to take."""
        return bool(self.now.pending) and not self.workers


PICTURE: Final = Beside[Picture]("picture")


def pictures(names: Iterable[str]) -> dict[str, Picture]:
    """Those of the named queues and of all that are found: seven queries for any number."""
    rates, serving = queue_rates(), workers_by_queue()
    return {
        name: Picture(now, rates.get(name, _NO_RATE), serving.get(name, []))
        for name, now in queues_now({*names, *serving}).items()
    }


def workers_by_queue() -> dict[str, list[str]]:
    """The live workers that claim, by the queues they serve."""
    workers = Worker.objects.filter(
        last_heartbeat_at__gte=Now() - timedelta(seconds=config.LEASE),
        state=WorkerState.RUNNING,
        desired_state=DesiredState.RUN,
    )
    found: dict[str, list[str]] = defaultdict(list)
    for name, queues in workers.values_list("name", "queues"):
        for queue in queues or {}:
            found[queue].append(name)
    return dict(found)


# Cells


def count(queue: Queue, status: Status) -> SafeString:
    """A number of jobs, with the way to them."""
    number: Count = getattr(PICTURE.of(queue).now, status)
    url = job_links.jobs_url(queue=queue.name, status=status)
    return format_html('<a href="{}">{}</a>', url, in_words(number))


def running(queue: Queue) -> SafeString:
    """Running jobs, and how many may run."""
    number = count(queue, Status.RUNNING)
    if queue.max_running is None:
        return number
    most = _("of %(most)d at once") % {"most": queue.max_running}
    return format_html('{} <span class="jobs-quiet">{}</span>', number, most)


def later(queue: Queue) -> SafeString:
    """Jobs that wait for their time, the failed ones among them apart."""
    retrying = count(queue, Status.RETRYING) if PICTURE.of(queue).now.retrying else ""
    again = format_html(_("{} retrying"), retrying) if retrying else ""
    return format_html("{} {}", count(queue, Status.SCHEDULED), again)


def figures(queue: Queue) -> SafeString:
    """All numbers of a queue."""
    facts = [
        (_("pending"), count(queue, Status.PENDING)),
        (_("running"), running(queue)),
        (_("scheduled"), count(queue, Status.SCHEDULED)),
        (_("retrying"), count(queue, Status.RETRYING)),
        (_("longest wait"), longest_wait(queue)),
        (_("per minute"), rate(queue)),
        (_("empty in"), time_to_drain(queue)),
    ]
    sampled_at = PICTURE.of(queue).now.sampled_at
    note: SafeString | str = ""
    if sampled_at is not None:
        text = _("“About”: too many to count for this page. A worker counted them at")
        note = format_html('<p class="jobs-note">{} {}.</p>', text, shown.moment(sampled_at))
    return format_html("{}{}", shown.facts(facts), note)


def in_words(number: Count) -> str:
    """“12”, “about 12,000” or “2,001 or more”."""
    if number.is_about:
        return _("about %(count)s") % {"count": shown.number(number)}
    if number.is_least:
        return _("%(count)s or more") % {"count": shown.number(number)}
    return shown.number(number)


def longest_wait(queue: Queue) -> str:
    """How long the job waits that has been due longest."""
    now = PICTURE.of(queue).now
    if now.longest_wait is None:
        return shown.NOTHING
    length = shown.duration(now.longest_wait)
    estimated = now.pending.is_about or now.pending.is_least
    return _("about %(length)s") % {"length": length} if estimated else length


def rate(queue: Queue) -> SafeString | str:
    """Jobs per minute that came in and that left, and how many may start."""
    rate = PICTURE.of(queue).rate
    numbers = {"incoming": _per_minute(rate.incoming), "outgoing": _per_minute(rate.outgoing)}
    text = _("%(incoming)s in, %(outgoing)s out") % numbers
    if not (rate.incoming or rate.outgoing):
        text = shown.NOTHING
    if queue.rate_limit is None:
        return text
    most = _("at most %(most)d start") % {"most": queue.rate_limit}
    return format_html('{} <span class="jobs-quiet">{}</span>', text, most)


def _per_minute(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 or not rate else f"{rate:.1f}"


def time_to_drain(queue: Queue) -> SafeString | str:
    """When nothing waits any more, if it goes on like this."""
    picture = PICTURE.of(queue)
    depth, surplus = int(picture.now.pending), picture.rate.outgoing - picture.rate.incoming
    if not depth:
        return shown.NOTHING
    if picture.rate.outgoing <= 0:
        return _("nothing leaves")
    if surplus > 0:
        return shown.duration(timedelta(minutes=min(depth / surplus, 60 * 24 * 365)))
    return shown.warning(_("grows")) if surplus < 0 else _("does not shrink")


def workers(queue: Queue) -> SafeString | str:
    """Who serves it; a warning if nobody does and jobs wait."""
    picture = PICTURE.of(queue)
    if picture.is_abandoned and not queue.is_paused:
        return shown.warning(_("no live worker serves this queue"))
    names = picture.workers
    if not names:
        return _("none")
    if len(names) > NAMED:
        return ngettext("%(count)d worker", "%(count)d workers", len(names)) % {"count": len(names)}
    links = ((address("django_jobs_worker_change", quote(name)), name) for name in names)
    return format_html_join(", ", '<a href="{}">{}</a>', links)


def history(queue: Queue) -> SafeString | str:
    """The depth of the last day as a line."""
    values = PICTURE.of(queue).now.history
    known = [value for value in values if value is not None]
    if len(known) < 2 or not any(known):
        return shown.NOTHING
    label = _("Pending jobs of the last 24 hours: from %(low)s to %(high)s, now %(now)s") % {
        "low": shown.number(min(known)),
        "high": shown.number(max(known)),
        "now": in_words(PICTURE.of(queue).now.pending),
    }
    return charts.sparkline(values, label)


def not_resumed(queue: Queue) -> SafeString | str:
    """A warning if its pause should have been ended by a worker, and was not."""
    end = queue.paused_until
    if end is None or end > shown.now_like(end) - OVERDUE:
        return ""
    return shown.warning(_("overdue: no worker resumes it"))
