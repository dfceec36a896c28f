"""Addresses of the admin's pages, and what a reader finds on them."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.messages import get_messages
from django.db.models import Model
from django.test import Client
from django.urls import reverse


def list_of(model: str) -> str:
    return reverse(f"admin:django_jobs_{model}_changelist")


def page_of(row: Model, page: str = "change") -> str:
    return reverse(f"admin:django_jobs_{row._meta.model_name}_{page}", args=[row.pk])


def act(client: Client, model: str, action: str, rows: Iterable[Any], **more: str) -> Any:
    """Choose an action for rows (or their ids) on a list."""
    ids = [str(row.pk if isinstance(row, Model) else row) for row in rows]
    data = {"action": action, ACTION_CHECKBOX_NAME: ids, "index": "0", **more}
    return client.post(list_of(model), data)


def told(response: Any) -> list[str]:
    """The messages that a request left for its user."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def twin(client: Client) -> Client:
    """Another browser window of the same user."""
    other = Client()
    other.cookies = deepcopy(client.cookies)
    return other
