"""The parent of the processes outlives what goes wrong around it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from django_jobs.models import DesiredState
from django_jobs.runtime import supervisor
from django_jobs.runtime.options import WorkerOptions
from django_jobs.runtime.supervisor import Supervisor


@pytest.fixture
def parent() -> Supervisor:
    return Supervisor(WorkerOptions("parent", {"default": 1}, processes=2))


def refuse(*_: Any, **__: Any) -> Any:
    raise BlockingIOError(11, "Resource temporarily unavailable")


def test_a_system_without_room_for_a_process_is_waited_for(
    parent: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "Child", refuse)
    parent._step()
    assert not parent._children
    assert parent._seconds_to_sleep() <= 1


def test_a_state_that_can_not_be_shown_is_no_reason_to_end(
    parent: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(parent._heartbeat, "show_state", fail)
    parent._obey(DesiredState.DRAIN)
    assert parent._desired == DesiredState.DRAIN
