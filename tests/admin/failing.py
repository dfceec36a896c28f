"""Failures of one kind, and what is done on their pages."""

from __future__ import annotations

from typing import Any

from django.test import Client

from django_jobs.models import FailureGroup
from tests.admin.pages import list_of, page_of

BUTTONS = {"resolve", "mute", "reopen", "canary", "drip", "stop", "discard"}


def make_group(number: int = 1, **columns: Any) -> FailureGroup:
    values = {
        "job_name": "tests.pay",
        "exception_type": "shop.Declined",
        "frame": "shop.bank.charge",
        "message": "Declined: no <b>money</b>",
        "count": 7,
    }
    return FailureGroup.objects.create(fingerprint=f"{number:016x}", **(values | columns))


def press(client: Client, group: FailureGroup, button: str, **data: str) -> Any:
    return client.post(page_of(group, "press"), {"button": button, **data})


def listed(client: Client, **query: str) -> list[FailureGroup]:
    return list(client.get(list_of("failuregroup"), query).context["cl"].result_list)
