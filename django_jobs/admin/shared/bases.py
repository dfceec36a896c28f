"""What all pages share: locked doors, the style sheet, and answers to odd requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from django_jobs.admin.shared.addresses import on_site
from django_jobs.auditing import through
from django_jobs.models import AuditSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern
    from django.utils.functional import _StrOrPromise

    BaseAdmin = admin.ModelAdmin
    BaseInline = admin.TabularInline
else:

    class _Subscriptable:
        """Django's classes are generic for type checkers only."""

        def __class_getitem__(cls, item: object) -> type:
            return cls

    class BaseAdmin(_Subscriptable, admin.ModelAdmin):
        pass

    class BaseInline(_Subscriptable, admin.TabularInline):
        pass


ModelT = TypeVar("ModelT", bound=Model)
ChildT = TypeVar("ChildT", bound=Model)
ParentT = TypeVar("ParentT", bound=Model)


#: Characters that the records of ours have for the name of a user.
_NAME_MAX: Final = 200


def user_name(request: HttpRequest) -> str:
    """Who does it, for transitions and other records."""
    return str(request.user.get_username())[:_NAME_MAX]


class PlainChangeList(ChangeList):
    """A list that answers a bad filter with the unfiltered list, never with an error page."""

    def get_filters(self, request: HttpRequest) -> Any:
        """Refuse what is no filter of this list."""
        if any("\0" in one for _name, sent in request.GET.lists() for one in sent):
            raise IncorrectLookupParameters("NUL")  # PostgreSQL refuses even to look.
        try:
            return super().get_filters(request)
        except (DisallowedModelAdminLookup, ValueError, OverflowError) as error:
            # Django itself lets the year 9999 through to datetime.
            raise IncorrectLookupParameters(error) from error


class PlainAdmin(BaseAdmin[ModelT]):
    """Base of our pages."""

    #: Names in the query string that may filter the list, besides those of filter classes.
    allowed_lookups: ClassVar[Sequence[str]] = ()

    #: The class of the list.
    change_list: ClassVar[type[ChangeList]] = PlainChangeList

    #: What a list says when there is nothing that it could show.
    when_empty: _StrOrPromise = ""

    show_facets = admin.ShowFacets.NEVER

    class Media:
        css: ClassVar = {"all": ["django_jobs/admin.css"]}
        js: ClassVar = ["django_jobs/age.js"]

    @property
    def urls(self) -> list[URLPattern]:
        """With links to the admin site that a page is of: a project may have several."""
        patterns = self.get_urls()
        for pattern in patterns:
            pattern.callback = on_site(self.admin_site.name, pattern.callback)
        return patterns

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The class of the list."""
        return self.change_list

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Let nobody probe columns by typing lookups into the address."""
        own = {getattr(one, "parameter_name", None) for one in self.list_filter}
        return lookup in own or lookup in self.allowed_lookups

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> ModelT | None:
        """The row, or ``None`` also for ids that no row can have."""
        if "\0" in object_id:
            return None  # PostgreSQL refuses even to look.
        return super().get_object(request, object_id, from_field)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[ModelT], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run an action, unless the ids it was sent are none."""
        key = self.opts.pk
        try:
            for value in request.POST.getlist(ACTION_CHECKBOX_NAME):
                key.clean(value, None)
                if "\0" in value:
                    raise ValidationError("NUL")
        except ValidationError:
            self.message_user(request, _("The selection was not understood."), messages.ERROR)
            return None
        with through(AuditSource.ADMIN):
            return super().response_action(request, queryset, *args, **kwargs)

    def gone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Django's answer to the address of a row that is not there."""
        # Private, and so unknown to the types; all of Django's own pages answer with it.
        return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined,no-any-return]
            request, self.opts, object_id
        )

    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        """Add or change; what its operations write in the audit came through the admin."""
        with through(AuditSource.ADMIN):
            return super().changeform_view(*args, **kwargs)

    def delete_view(self, *args: Any, **kwargs: Any) -> Any:
        """Delete, likewise."""
        with through(AuditSource.ADMIN):
            return super().delete_view(*args, **kwargs)


class ReadOnlyAdmin(PlainAdmin[ModelT]):
    """For rows that only the engine writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ModelT | None = None) -> bool:
        """Nobody; operators use buttons and actions."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ModelT | None = None) -> bool:
        """Nobody, unless a page decides otherwise."""
        return False


class ReadOnlyInline(BaseInline[ChildT, ParentT]):
    """Rows of another table below the page of one object."""

    extra = 0
    can_delete = False

    def has_add_permission(  # type: ignore[override]
        self, request: HttpRequest, obj: ParentT | None
    ) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ParentT | None = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ParentT | None = None) -> bool:
        """Nobody."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: ParentT | None = None) -> bool:
        """Whoever may see the page may see what belongs to it."""
        return True
