"""People of different rights, each with a browser."""

from __future__ import annotations

from typing import Protocol

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from django_jobs.models import FailureGroup
from tests.admin.failing import make_group


class LogIn(Protocol):
    """Log in a member of staff with some permissions, as in ``log_in("retry_job")``."""

    def __call__(self, *permissions: str) -> Client: ...


@pytest.fixture
def log_in(db: None) -> LogIn:
    def make(*permissions: str) -> Client:
        user = User.objects.create_user(f"staff-{len(permissions)}", is_staff=True)
        found = Permission.objects.filter(
            content_type__app_label="django_jobs", codename__in=permissions
        )
        assert len(found) == len(permissions), permissions
        user.user_permissions.set(found)
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def boss(db: None) -> Client:
    """A superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def group(db: None) -> FailureGroup:
    return make_group()
