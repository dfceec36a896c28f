"""An ordinary day of a site that wears django-unfold."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.browser.ordinary import Ordinary, make_ordinary


@pytest.fixture
def scene(any_status: None) -> Ordinary:
    return make_ordinary()


@pytest.fixture
def boss(db: None) -> Client:
    """A superuser, whose forms need their token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("boss"))
    return client
