"""Sites whose settings are not everybody's: grouped numbers, odd users, no rows to begin with."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse


def test_a_live_page_waits_where_numbers_are_grouped(boss: Client, settings: Any) -> None:
    """“5.000” would be five for the script: it would ask 200 times a second."""
    settings.USE_THOUSAND_SEPARATOR = True
    url = reverse("admin:app_list", args=["django_jobs"])
    page = boss.get(url, headers={"accept-language": "de"}).content.decode()
    assert 'data-interval="5000"' in page
