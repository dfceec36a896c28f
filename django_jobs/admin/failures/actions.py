"""What can be done to failures of one kind, each behind a form of its own on their page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_jobs import failures, permissions
from django_jobs.admin.shared import history
from django_jobs.admin.shared.bases import ReadOnlyAdmin, user_name
from django_jobs.admin.shared.buttons import Button, ButtonsAdmin
from django_jobs.auditing import through
from django_jobs.conf import config
from django_jobs.models import AuditSource, FailureGroup, FailureState, Job
from django_jobs.states import Status
from django_jobs.validation import clean_text

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise

RESOLVE: Final = Button("resolve", _("Resolve"), "manage")
MUTE: Final = Button("mute", _("Mute"), "manage")
REOPEN: Final = Button("reopen", _("Reopen"), "manage")
CANARY: Final = Button("canary", _("Retry as canary"), "retry")
DRIP: Final = Button("drip", _("Retry as drip"), "retry")
STOP: Final = Button("stop", _("Stop the retry"), "retry")
DISCARD: Final = Button("discard", _("Discard all"), "discard")

#: For how long a group can be muted: what the form sends → label and length; 0 is for good.
MUTES: Final[dict[str, tuple[_StrOrPromise, timedelta | None]]] = {
    "1h": (_("for an hour"), timedelta(hours=1)),
    "1d": (_("for a day"), timedelta(days=1)),
    "7d": (_("for a week"), timedelta(days=7)),
    "30d": (_("for 30 days"), timedelta(days=30)),
    "ever": (_("for good"), None),
}
PER_MINUTE: Final = 60
RELEASE_MAX: Final = 100

#: Button → the permission it needs.
_PERMISSIONS: Final = {
    "manage": "manage_failure",
    "retry": "retry_job",
    "discard": "discard_job",
}


class FailureActionsAdmin(ButtonsAdmin[FailureGroup], ReadOnlyAdmin[FailureGroup]):
    """Nothing is edited: groups are sorted by buttons, and jobs of theirs are retried."""

    buttons = (RESOLVE, MUTE, REOPEN, CANARY, DRIP, STOP, DISCARD)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """May resolve, mute and reopen, of some job at least."""
        return bool(request.user.has_perm("django_jobs.manage_failure"))

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """May retry jobs, of some job at least."""
        return bool(request.user.has_perm("django_jobs.retry_job"))

    def has_discard_permission(self, request: HttpRequest) -> bool:
        """May discard jobs, of some job at least."""
        return bool(request.user.has_perm("django_jobs.discard_job"))

    def may_press(self, request: HttpRequest, group: FailureGroup, button: Button) -> bool:
        """Whether the site's own rules let the user do it to this job's failures, too."""
        permission = _PERMISSIONS[button.permission]
        about = {"job_name": group.job_name}
        if not permissions.may(request.user, permission, **about):
            return False
        if button.permission == "manage" or not permissions.has_own_rules():
            return True
        failed = Job.objects.filter(status=Status.FAILED, fingerprint=group.pk)
        queues = failed.exclude(fingerprint="").order_by().values_list("queue", flat=True)
        # What may not be done to one of the jobs may not be done to all of them.
        return all(
            permissions.may(request.user, permission, **about, queue=queue)
            for queue in queues.distinct()
        )

    def offered(self, obj: FailureGroup) -> list[Button]:
        """Those that change something."""
        is_closed = obj.state in (FailureState.MUTED, FailureState.RESOLVED)
        needless = {
            RESOLVE: obj.state == FailureState.RESOLVED,
            MUTE: is_closed,
            # It also tells the others that somebody knows about a new one.
            REOPEN: obj.state == FailureState.ONGOING,
        }
        return [button for button in self.buttons if not needless.get(button, False)]

    def press(self, request: HttpRequest, obj: FailureGroup, button: Button, reason: str) -> None:
        """Do it, tell the user, and log it."""
        if not self.may_press(request, obj, button):
            raise PermissionDenied
        act: Callable[[HttpRequest, FailureGroup, str], str | None] = getattr(
            self, f"_{button.name}"
        )
        with through(AuditSource.ADMIN):
            done = act(request, obj, reason)
        if done is None:
            return
        history.remember(request, [obj], button.noted(reason))
        self.message_user(request, done, messages.SUCCESS)

    # Each returns what to tell the user; None if nothing was done and it has told that itself.

    def _resolve(self, request: HttpRequest, group: FailureGroup, reason: str) -> str:
        release = clean_text(request.POST.get("release", "").strip(), RELEASE_MAX)
        failures.resolve(group, by=user_name(request), release=release, note=reason)
        if release:
            return _("Resolved in release %(release)s.") % {"release": release}
        return str(_("Resolved. It is open again when it is seen once more."))

    def _mute(self, request: HttpRequest, group: FailureGroup, reason: str) -> str | None:
        chosen = request.POST.get("for", "")
        if chosen not in MUTES:
            return self._refuse(request, _("Mute for"), ", ".join(MUTES))
        label, length = MUTES[chosen]
        until = None if length is None else timezone.now() + length
        failures.mute(group, until=until, by=user_name(request), note=reason)
        return _("Muted %(length)s.") % {"length": label}

    def _reopen(self, request: HttpRequest, group: FailureGroup, reason: str) -> str:
        failures.reopen(group, by=user_name(request), note=reason)
        return str(_("It is ongoing now."))

    def _canary(self, request: HttpRequest, group: FailureGroup, reason: str) -> str | None:
        retry = failures.retry_as_canary(group, by=user_name(request), reason=reason)
        return self._started(request, retry is not None)

    def _drip(self, request: HttpRequest, group: FailureGroup, reason: str) -> str | None:
        text = request.POST.get("per_minute", "").strip()
        highest = failures.PER_MINUTE_MAX
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
        if not 1 <= number <= highest:
            return self._refuse(
                request,
                _("Jobs per minute"),
                _("a whole number from 1 to %(highest)d") % {"highest": highest},
            )
        retry = failures.retry_as_drip(group, number, by=user_name(request), reason=reason)
        return self._started(request, retry is not None)

    def _stop(self, request: HttpRequest, group: FailureGroup, reason: str) -> str | None:
        retry = failures.latest_retry(group)
        if retry is not None and failures.stop_retry(retry, by=user_name(request), reason=reason):
            return str(_("No more jobs of this failure are retried."))
        self.message_user(request, _("No retry was under way."), messages.WARNING)
        return None

    def _discard(self, request: HttpRequest, group: FailureGroup, reason: str) -> str | None:
        if request.POST.get("sure") != "yes":
            return self._refuse(request, _("Discard all"), _("tick that you are sure"))
        result = failures.discard_all(group, by=user_name(request), reason=reason)
        summary = result.summary()
        if len(result.done) >= failures.DISCARD_MAX:
            return _("%(summary)s There may be more: press again.") % {"summary": summary}
        return summary

    def _started(self, request: HttpRequest, is_started: bool) -> str | None:
        if is_started:
            return str(_("The retry has been enqueued; a worker makes its steps."))
        self.message_user(
            request, _("A retry of this failure is under way already."), messages.WARNING
        )
        return None

    def _refuse(self, request: HttpRequest, field: object, allowed: object) -> str | None:
        text = _("%(field)s: %(allowed)s.") % {"field": field, "allowed": allowed}
        self.message_user(request, text, messages.ERROR)
        return None

    def forms_context(self, request: HttpRequest, group: FailureGroup) -> dict[str, Any]:
        """What the forms of the page need."""
        may = [
            button
            for button in self.offered(group)
            if self.may(request, button) and self.may_press(request, group, button)
        ]
        return {
            "jobs_buttons": may,
            "jobs_may": {button.name: button for button in may},
            "jobs_press_url": self.page_url(group, "press"),
            "jobs_reason_required": config.REASON_REQUIRED,
            "jobs_mutes": [(value, label) for value, (label, _length) in MUTES.items()],
            "jobs_release": config.RELEASE,
            "jobs_per_minute": PER_MINUTE,
            "jobs_per_minute_max": failures.PER_MINUTE_MAX,
        }
