"""Which columns of the list of jobs somebody wants to see: their browser keeps it, in a cookie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin.utils import label_for_field
from django.utils.text import capfirst

from django_jobs.admin.shared.addresses import address
from django_jobs.models import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

#: Without these a row says nothing.
ALWAYS: Final = ("status_badge", "job_and_error")
#: That can be added to those the list has by itself.
MORE: Final = ("subject", "correlation_id", "unique_key")
COOKIE: Final = "django_jobs_columns"
_YEAR: Final = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Choice:
    """A column in the form."""

    name: str
    label: str
    is_shown: bool


def chosen(request: HttpRequest, usual: Sequence[str]) -> list[str]:
    """The columns to show, in the order of the list.

    Args:
        request: whose cookie may say which.
        usual: those that are shown otherwise.
    """
    kept = request.COOKIES.get(COOKIE)
    if not kept:
        return list(usual)
    wanted = {*ALWAYS, *kept.split(".")}
    return [name for name in (*usual, *MORE) if name in wanted]


def choices(request: HttpRequest, model_admin: ModelAdmin[Job]) -> list[Choice]:
    """All columns that one can do without, for the form."""
    usual = [str(name) for name in model_admin.list_display]
    shown = chosen(request, usual)
    return [
        Choice(name, capfirst(str(label_for_field(name, Job, model_admin))), name in shown)
        for name in (*usual, *MORE)
        if name not in ALWAYS
    ]


def keep(request: HttpRequest, answer: HttpResponseBase, known: Sequence[Any]) -> None:
    """Let the browser keep what the form says; or forget it, for the usual ones."""
    path = address("django_jobs_job_changelist")
    if "usual" in request.POST:
        answer.delete_cookie(COOKIE, path=path, samesite="Lax")
        return
    names = [name for name in (*known, *MORE) if name in request.POST.getlist("column")]
    answer.set_cookie(
        COOKIE,
        ".".join((*ALWAYS, *names)),
        max_age=_YEAR,
        path=path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
