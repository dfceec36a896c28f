"""What people and schedules did meanwhile: deploys, pauses and cron runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db.models import F, Value
from django.utils.translation import gettext as _

from django_jobs.admin.overview import words
from django_jobs.admin.overview.history import History, Range
from django_jobs.admin.shared import sight
from django_jobs.admin.shared.charts import Mark
from django_jobs.models import AuditAction, CronSlot, JobAudit, SlotOutcome
from django_jobs.models.text import ExactCharField
from django_jobs.stats.together import together

if TYPE_CHECKING:
    from django.http import HttpRequest

#: Deeds that are marked, and cron runs; the newest ones.
DEEDS_MAX: Final = 50
RUNS_MAX: Final = 500
_SHOWN: Final = (AuditAction.DEPLOY, AuditAction.PAUSE, AuditAction.RESUME)
#: Schedules that one mark names.
_NAMES_MAX: Final = 5


@dataclass(slots=True)
class Marks:
    """What happened in the range of the chart.

    Attributes:
        deeds: deploys, pauses and resumes with their times, the newest first.
        runs: step of the chart → schedule → how often it fired.
        is_cut: whether cron runs of the range were left out.
    """

    deeds: list[tuple[datetime, str, str]] = field(default_factory=list)
    runs: dict[int, Counter[str]] = field(default_factory=dict)
    is_cut: bool = False

    @property
    def kinds(self) -> list[str]:
        """Those that need an explanation beside the chart."""
        deeds = {kind for _at, kind, _text in self.deeds}
        kinds = [*map(str, _SHOWN), *(["cron"] if self.runs else [])]
        return [kind for kind in kinds if kind in deeds or kind == "cron"]


def marks_of(request: HttpRequest, history: History) -> Marks:
    """Read them."""
    marks = Marks()
    run_count = 0
    oldest_run = history.now
    for kind, name, at, extra in together(_deeds(history), _runs()):
        if kind != "cron":
            if kind == AuditAction.DEPLOY or sight.sees(request, queue=name):
                marks.deeds.append((at, kind, _said(kind, name, extra)))
            continue
        run_count, oldest_run = run_count + 1, min(oldest_run, at)
        place = (at - history.since) // history.range.step
        if extra == SlotOutcome.FIRED and 0 <= place < len(history.steps):
            marks.runs.setdefault(place, Counter())[name] += 1
    marks.is_cut = run_count == RUNS_MAX and oldest_run > history.since
    return marks


def drawn(marks: Marks, history: History) -> list[Mark]:
    """The same as the chart wants it."""
    length = history.range.step * len(history.steps)
    deeds = [
        Mark((at - history.since) / length, kind, f"{_time(at, history.range)}: {text}")
        for at, kind, text in reversed(marks.deeds)
    ]
    runs = [
        Mark((place + 0.5) / len(history.steps), "cron", run_text(names))
        for place, names in marks.runs.items()
    ]
    return [*deeds, *runs]


def run_text(names: Counter[str]) -> str:
    """Which schedules fired in one step."""
    listed = [f"{name} ×{count}" for name, count in names.most_common(_NAMES_MAX)]
    more = len(names) - _NAMES_MAX
    if more > 0:
        listed.append(_("%(count)d more") % {"count": more})
    return _("Cron: %(names)s") % {"names": ", ".join(listed)}


def kind_label(kind: str) -> str:
    """What a kind of mark means."""
    if kind == "cron":
        return _("cron runs")
    return {
        "deploy": _("deploy"),
        "pause": _("queue paused"),
        "resume": _("queue resumed"),
    }[kind]


def _said(kind: str, target: str, actor: str) -> str:
    texts = {
        AuditAction.DEPLOY: _("deploy %(target)s"),
        AuditAction.PAUSE: _("%(target)s paused"),
        AuditAction.RESUME: _("%(target)s resumed"),
    }
    text = texts[AuditAction(kind)] % {"target": target}
    return _("%(what)s by %(actor)s") % {"what": text, "actor": actor} if actor else text


def _time(at: datetime, chosen: Range) -> str:
    return words.clock(at, with_day=chosen.has_days)


def _deeds(history: History) -> Any:
    rows = JobAudit.objects.filter(at__gte=history.since, action__in=_SHOWN).order_by("-at")
    return rows.annotate(
        kind=F("action"), called=F("target"), moment=F("at"), extra=F("actor")
    ).values_list("kind", "called", "moment", "extra")[:DEEDS_MAX]


def _runs() -> Any:
    # By the primary key: slots have no index by their time alone.
    rows = CronSlot.objects.order_by("-id")
    return rows.annotate(
        kind=Value("cron", output_field=ExactCharField(max_length=20)),
        called=F("cron_job__name"),
        moment=F("slot_at"),
        extra=F("outcome"),
    ).values_list("kind", "called", "moment", "extra")[:RUNS_MAX]
