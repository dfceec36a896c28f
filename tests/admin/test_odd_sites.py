"""Sites whose settings are not everybody's: grouped numbers, odd users, no rows to begin with."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from django_jobs.admin.catalogue import pages
from django_jobs.models import SavedFilter
from django_jobs.names import INTERNAL
from django_jobs.registry import registry
from tests.admin.pages import list_of


def test_a_live_page_waits_where_numbers_are_grouped(boss: Client, settings: Any) -> None:
    """“5.000” would be five for the script: it would ask 200 times a second."""
    settings.USE_THOUSAND_SEPARATOR = True
    url = reverse("admin:app_list", args=["django_jobs"])
    page = boss.get(url, headers={"accept-language": "de"}).content.decode()
    assert 'data-interval="5000"' in page


def test_of_thousands_of_jobs_the_catalogue_lists_the_first(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SHOWN_MAX", 2)
    url = reverse("admin:django_jobs_catalogue")
    names = [one.name for one in registry.all() if one.name not in INTERNAL]
    page = boss.get(url).content.decode()
    assert [name for name in names if f"/{name}/" in page] == names[:2]
    assert f"The first 2 of {len(names)} jobs are listed; search for the others." in page
    page = boss.get(url, {"q": names[-1]}).content.decode()
    assert f"/{names[-1]}/" in page
    assert "are listed" not in page


def test_a_long_name_of_a_user_fits_its_column(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where users are e-mail addresses, they may have more than Django's own 150 characters."""
    monkeypatch.setattr(User, "get_username", lambda _self: f"{'x' * 300}@example.org")
    url = reverse("admin:django_jobs_job_save_filter")
    boss.post(f"{url}?status=failed", {"name": "Night"})
    assert len(SavedFilter.objects.get().owner) == 200
    number = SavedFilter.objects.get().pk
    assert f'name="filter" value="{number}"' in boss.get(list_of("job")).content.decode()
    boss.post(reverse("admin:django_jobs_job_remove_filter"), {"filter": number})
    assert not SavedFilter.objects.exists()
