"""Permissions, and what a site's own rules take away."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User

from django_jobs.permissions import may

pytestmark = pytest.mark.django_db

HOOK = f"{__name__}.not_in_payments"


def not_in_payments(user: Any, permission: str, job_name: str | None, queue: str | None) -> bool:
    return queue != "payments" or user.username == "treasurer"


def test_without_rules_the_permission_decides() -> None:
    boss, guest = User.objects.create_superuser("boss"), User.objects.create_user("guest")
    assert may(boss, "retry_job", queue="payments")
    assert not may(guest, "retry_job")
    assert not may(AnonymousUser(), "retry_job")


def test_rules_take_away_and_never_give(settings: Any) -> None:
    settings.DJANGO_JOBS = {"PERMISSION_HOOK": HOOK}
    boss = User.objects.create_superuser("boss")
    assert may(boss, "retry_job")
    assert may(boss, "retry_job", queue="default")
    assert not may(boss, "retry_job", queue="payments")
    assert may(User.objects.create_superuser("treasurer"), "retry_job", queue="payments")
    User.objects.filter(username="treasurer").update(is_superuser=False)
    assert not may(User.objects.get(username="treasurer"), "retry_job", queue="payments")
