"""Buttons on the page of one object: POST only, with CSRF, each behind a permission."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_jobs.admin.shared.bases import ModelT, PlainAdmin
from django_jobs.auditing import through
from django_jobs.conf import config
from django_jobs.models import AuditSource
from django_jobs.validation import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import Model, QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase
    from django.utils.functional import _StrOrPromise


#: Characters of a reason.
REASON_MAX: Final = 500
NEEDS_REASON: Final = gettext_lazy("Nothing was done: say why.")


@dataclass(frozen=True, slots=True)
class Button:
    """One thing an operator can do.

    Attributes:
        name: sent by the form; also the name of the list action.
        label: what the button says.
        permission: as in ``has_<permission>_permission`` of the page.
    """

    name: str
    # The hash must not depend on the reader's language: buttons are keys.
    label: _StrOrPromise = field(hash=False)
    permission: str

    def noted(self, reason: str) -> str:
        """What was done and why, for the admin's own log."""
        return f"{self.label}: {reason}" if reason else str(self.label)


@dataclass(frozen=True, slots=True)
class PageLink:
    """A page of the object that is opened from beside the buttons.

    Attributes:
        name: tells live pages whether the links changed.
    """

    name: str
    label: _StrOrPromise
    url: str


def reason_of(request: HttpRequest) -> str:
    """Why somebody does it, as the form says."""
    # It goes to texts of several tables, and NUL fits none of them.
    return clean_text(request.POST.get("reason", "").strip(), REASON_MAX)


def lacks_reason(request: HttpRequest) -> bool:
    """Whether the site wants a reason for everything, and the form gives none."""
    return config.REASON_REQUIRED and not reason_of(request)


class ButtonsAdmin(PlainAdmin[ModelT]):
    """A page with buttons. A custom view, because list actions on it need Django 6.1."""

    change_form_template = "admin/django_jobs/change_form.html"
    buttons: ClassVar[Sequence[Button]] = ()

    def offered(self, obj: ModelT) -> Sequence[Button]:
        """The buttons that make sense for the object as it is now."""
        return self.buttons

    def press(self, request: HttpRequest, obj: ModelT, button: Button, reason: str) -> None:
        """Do what the button says and tell the user."""
        raise NotImplementedError

    def may(self, request: HttpRequest, button: Button, obj: ModelT | None = None) -> bool:
        """Whether the user may press it, for this object if there is one."""
        return bool(getattr(self, f"has_{button.permission}_permission")(request))

    def only_allowed(
        self, request: HttpRequest, button: Button, rows: Iterable[ModelT]
    ) -> list[ModelT]:
        """The chosen rows for which the user may press it; tells which ones are skipped."""
        allowed: list[ModelT] = []
        forbidden: list[str] = []
        for row in rows:
            if self.may(request, button, row):
                allowed.append(row)
            else:
                forbidden.append(str(row))
        if forbidden:
            text = _("Skipped, because you may not: %(names)s.") % {"names": ", ".join(forbidden)}
            self.message_user(request, text, messages.WARNING)
        return allowed

    def page_links(self, request: HttpRequest, obj: ModelT) -> Sequence[PageLink]:
        """Pages to open from here, for what needs more than a button."""
        return ()

    def buttons_context(self, request: HttpRequest, obj: ModelT) -> dict[str, Any]:
        """What the template of the buttons needs."""
        shown = [button for button in self.offered(obj) if self.may(request, button, obj)]
        links = self.page_links(request, obj)
        names = [button.name for button in shown] + [link.name for link in links]
        return {
            "jobs_buttons": shown,
            "jobs_links": links,
            "jobs_buttons_key": " ".join(names) or "none",
            "jobs_press_url": self.page_url(obj, "press"),
            "jobs_reason_required": config.REASON_REQUIRED,
        }

    def seen_object(self, request: HttpRequest, object_id: str) -> ModelT:
        """The object that an address names.

        Raises:
            Http404: there is none.
            PermissionDenied: the user may not see it.
        """
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        return obj

    def page_url(self, obj: Model, page: str) -> str:
        """The address of a page of the object: ``change``, ``press`` and so on."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=[quote(obj.pk)], current_app=self.admin_site.name)

    def get_urls(self) -> list[URLPattern]:
        """The view behind the buttons comes first: Django's own last pattern takes all."""
        view = self.admin_site.admin_view(self.press_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_press"
        return [path("<path:object_id>/press/", view, name=name), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the buttons to the page."""
        obj = kwargs.get("obj")
        if obj is not None:
            context |= self.buttons_context(request, obj)
        return super().render_change_form(request, context, *args, **kwargs)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[ModelT], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run an action of a list with a field for the reason only if one is given."""
        asks = "reason" in self.action_form.base_fields
        # Django's own action asks on a page of its own, where there is no such field. A list may
        # have two bars of actions, and sends the choice of both.
        is_deletion = {*request.POST.getlist("action")} <= {"delete_selected", ""}
        if asks and not is_deletion and lacks_reason(request):
            self.message_user(request, NEEDS_REASON, messages.ERROR)
            return None
        return super().response_action(request, queryset, *args, **kwargs)

    def press_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Press a button."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self.gone(request, object_id)
        named = [one for one in self.buttons if one.name == request.POST.get("button")]
        may_look = self.has_view_permission(request, obj)
        if not (named and may_look and self.may(request, named[0], obj)):
            raise PermissionDenied
        if lacks_reason(request):
            self.message_user(request, NEEDS_REASON, messages.ERROR)
        else:
            with through(AuditSource.ADMIN):
                self.press(request, obj, named[0], reason_of(request))
        return HttpResponseRedirect(self.page_url(obj, "change"))
