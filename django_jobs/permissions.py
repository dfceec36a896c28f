"""Who may do what: the permissions of Django, and a site's own rules for single jobs and queues."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from django_jobs.conf import config

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

#: ``hook(user, permission, job_name, queue)``; ``None`` where it is not about one job or queue.
Hook = Callable[[Any, str, str | None, str | None], bool]


def may(
    user: AbstractBaseUser | AnonymousUser,
    permission: str,
    *,
    job_name: str | None = None,
    queue: str | None = None,
) -> bool:
    """Whether a user has a permission, in general or for one job or queue.

    A site's ``PERMISSION_HOOK`` can only take away: it is asked when the permission is there.

    Args:
        user: who wants to.
        permission: without the app's label: ``retry_job``, ``pause_queue`` and so on.
        job_name: the job it is about.
        queue: the queue it is about.
    """
    has_perm: Callable[[str], bool] | None = getattr(user, "has_perm", None)
    if has_perm is None or not has_perm(f"django_jobs.{permission}"):
        return False
    hook = _hook(config.PERMISSION_HOOK)
    return hook is None or bool(hook(user, permission, job_name, queue))


def has_own_rules() -> bool:
    """Whether a site has rules for single jobs and queues."""
    return config.PERMISSION_HOOK is not None


@cache
def _hook(path: str | None) -> Hook | None:
    return None if path is None else import_string(path)
