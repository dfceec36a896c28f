"""What the page of one kind of failure shows, and the curves of the list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_jobs import failures
from django_jobs.admin.shared import job_links, shown, sight
from django_jobs.admin.shared.charts import sparkline
from django_jobs.models import FailureGroup, FailureRetry, FailureState, Job, RetryPace
from django_jobs.stats import COUNT_MAX, failed_jobs_now, seen_by_hour

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

#: Failed jobs that the page lists.
LATEST: Final = 20
DAY: Final = timedelta(hours=24)
WEEK: Final = timedelta(days=7)
#: How long a curve is → how long one of its points.
STEPS: Final = {DAY: timedelta(hours=1), WEEK: timedelta(hours=6)}

#: State → the class that colours it.
_COLOURS: Final = {
    FailureState.NEW: "failed",
    FailureState.REGRESSED: "failed",
    FailureState.ONGOING: "retrying",
    FailureState.MUTED: "muted",
    FailureState.RESOLVED: "completed",
}


def state_badge(group: FailureGroup) -> SafeString:
    """The state in its colour."""
    colour = _COLOURS.get(FailureState(group.state), "muted")
    return shown.badge(colour, group.get_state_display())


def jobs_of(group: FailureGroup, age: str = "") -> str:
    """The list of its failed jobs, or of those that failed within an age as searches have it."""
    search = job_links.exactly("failure", group.pk)
    if age:
        search = f"{search} ended:<{age}"
    return job_links.jobs_url(q=search, status="failed")


def count_of_failed(group: FailureGroup, count: int, age: str = "") -> SafeString | str:
    """How many of its jobs wait for an operator, as a link to them."""
    if not count:
        return format_html('<span class="jobs-quiet">{}</span>', "0")
    text = f"{shown.number(COUNT_MAX)}+" if count > COUNT_MAX else shown.number(count)
    return format_html('<a href="{}">{}</a>', jobs_of(group, age), text)


def curves(fingerprints: Sequence[str], length: timedelta) -> dict[str, SafeString]:
    """How often each kind was seen lately, drawn."""
    since = _hour(timezone.now()) - length + STEPS[length]
    found = seen_by_hour(fingerprints, since)
    return {one: curve(found.get(one, {}), since, length) for one in fingerprints}


def curve(hours: Mapping[datetime, int], since: datetime, length: timedelta) -> SafeString:
    """The curve of counts by hour."""
    step = STEPS[length]
    points = [0] * (length // step)
    for hour, count in hours.items():
        place = (hour - since) // step
        if 0 <= place < len(points):
            points[place] += count
    days = length // DAY
    label = ngettext("%(count)d times in 24 hours", "%(count)d times in %(hours)d hours", days) % {
        "count": sum(points),
        "hours": days * 24,
    }
    if not any(points):
        return format_html('<span class="jobs-quiet" title="{}">{}</span>', label, shown.NOTHING)
    return sparkline(points, label)


def page_context(group: FailureGroup, request: HttpRequest, with_payload: bool) -> dict[str, Any]:
    """What the templates under ``failuregroup/`` need."""
    (failed,) = failed_jobs_now([group.pk]).values() or (0,)
    # The group may have jobs in queues that are hidden, where its name is not.
    latest = sight.seen(request, _latest_jobs(group))
    error = ""
    if with_payload and latest:
        error = Job.objects.values_list("error", flat=True).filter(pk=latest[0].pk).first() or ""
    return {
        "group": group,
        "jobs_state": state_badge(group),
        "jobs_facts": shown.facts([*_facts(group, failed), *_both_curves(group)]),
        "jobs_message": group.message if with_payload else "",
        "jobs_error": shown.preformatted(error) if error else "",
        "jobs_releases": _releases(group.releases),
        "jobs_latest": [_listed(job) for job in latest],
        "jobs_failed": failed,
        "jobs_failed_shown": count_of_failed(group, failed),
        "jobs_more_url": jobs_of(group) if failed > len(latest) else "",
        **retry_context(group),
    }


def retry_context(group: FailureGroup) -> dict[str, Any]:
    """How far the latest retry of the group has come."""
    retry = failures.latest_retry(group)
    if retry is None:
        return {"jobs_retry": None}
    under_way = failures.is_under_way(retry)
    percent = round(100 * retry.retried / max(retry.total, retry.retried, 1))
    return {
        "jobs_retry": retry,
        "jobs_retry_is_on": under_way,
        "jobs_retry_bar": shown.progress_bar(percent),
        "jobs_retry_said": _said(retry, under_way),
        "jobs_retry_how": _how(retry),
        "jobs_retry_url": job_links.job_url(retry.job_id),
        "jobs_retry_culprit": job_links.job_url(retry.culprit) if retry.culprit else "",
        "jobs_retry_started": shown.moment_and_age(retry.started_at),
    }


def _how(retry: FailureRetry) -> str:
    if retry.pace == RetryPace.DRIP:
        return _("%(count)d per minute") % {"count": retry.per_minute}
    return _("canary: one, then ten, then the rest")


def _said(retry: FailureRetry, under_way: bool) -> str:
    done = _("%(done)d of %(total)d jobs retried") % {
        "done": retry.retried,
        "total": max(retry.total, retry.retried),
    }
    if retry.end:
        return f"{done}: {retry.get_end_display()}."
    if not under_way:
        return _("%(done)s. It was cancelled, or its job failed.") % {"done": done}
    if retry.watched:
        waits = ngettext(
            "waiting for %(count)d job to end well",
            "waiting for %(count)d jobs to end well",
            len(retry.watched),
        )
        return f"{done}, {waits % {'count': len(retry.watched)}}."
    return f"{done}."


def _facts(group: FailureGroup, failed: int) -> list[tuple[str, Any]]:
    """Label and value; those without a value are left out."""
    job = format_html('<a href="{}">{}</a>', job_links.jobs_url(job=group.job_name), group.job_name)
    return [
        (_("Job"), job),
        (_("Raised in"), format_html("<code>{}</code>", group.frame) if group.frame else ""),
        (_("Times seen"), shown.number(group.count)),
        (_("First seen"), shown.moment_and_age(group.first_seen_at)),
        (_("Last seen"), shown.moment_and_age(group.last_seen_at)),
        (_("Failed jobs now"), count_of_failed(group, failed)),
        (_("Resolved"), _by(group.resolved_at, group.resolved_by)),
        (_("In release"), group.resolved_in_release),
        (_("Muted"), _muted(group)),
        (_("Note"), group.note),
    ]


def _by(at: datetime | None, who: str) -> SafeString | str:
    return "" if at is None else format_html("{} {}", shown.moment(at), who)


def _muted(group: FailureGroup) -> SafeString | str:
    if group.state != FailureState.MUTED:
        return ""
    until = _("for good")
    if group.muted_until is not None:
        until = format_html(_("until {}"), shown.moment_and_age(group.muted_until))
    return format_html("{} {}", until, group.muted_by)


def _both_curves(group: FailureGroup) -> list[tuple[str, SafeString]]:
    """Of the last day and the last week, from one question."""
    since = _hour(timezone.now()) - WEEK + STEPS[WEEK]
    hours = seen_by_hour([group.pk], since).get(group.pk, {})
    day = _hour(timezone.now()) - DAY + STEPS[DAY]
    return [
        (_("24 hours"), curve(hours, day, DAY)),
        (_("7 days"), curve(hours, since, WEEK)),
    ]


def _releases(releases: Iterable[Any]) -> list[dict[str, Any]]:
    """The newest first; rows that are not as we write them are left out."""
    return [
        {
            "release": one.get("release", ""),
            "count": one.get("count", 0),
            "first": shown.moment(parse_datetime(str(one.get("first", "")))),
            "last": shown.moment(parse_datetime(str(one.get("last", "")))),
        }
        for one in reversed(list(releases or []))
        if isinstance(one, dict)
    ]


def _latest_jobs(group: FailureGroup) -> list[Job]:
    columns = ("job_name", "queue", "attempt_count", "failure_count", "completed_at", "created_at")
    return list(failures.failed_jobs(group).order_by("-completed_at").only(*columns)[:LATEST])


def _listed(job: Job) -> dict[str, Any]:
    return {
        "url": job_links.job_url(job.pk),
        "id": job.pk,
        "queue": job.queue,
        "attempts": job.attempt_count,
        "created": shown.moment_and_age(job.created_at),
        "failed": shown.moment_and_age(job.completed_at),
    }


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
