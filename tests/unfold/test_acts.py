"""Under django-unfold the forms of the pages are there, and send what they should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse

from django_jobs.models import FailureState, Job
from django_jobs.states import Status
from tests.admin.pages import list_of, page_of
from tests.browser.ordinary import Ordinary
from tests.unfold import skip_without_unfold
from tests.unfold.html import Page

skip_without_unfold()


def press(client: Client, address: str, button: str, **more: Any) -> str:
    """Open a page and press a button on it; return the page that follows."""
    action, sent = Page(client.get(address).content.decode()).sent_by(button)
    answer = client.post(action or address, {**sent, **more}, follow=True)
    assert answer.status_code == 200, (address, button)
    return answer.content.decode()


Was = Callable[[Any], Any]
#: The row, the button on its page, what becomes of it, and what the next page tells.
BUTTONS: Final[list[tuple[str, str, Was, Any, str]]] = [
    ("failed", "Retry", lambda job: job.status, Status.PENDING, "1 job done."),
    ("running", "Cancel", lambda job: job.cancel_requested_at is None, False, "1 job done."),
    ("queue", "Resume", lambda queue: queue.paused_at, None, "1 queue resumed."),
    ("worker", "Drain", lambda worker: worker.desired_state, "drain", "1 worker told"),
    ("schedule", "Switch off", lambda schedule: schedule.enabled, False, "switched off."),
    ("failure", "Mute", lambda failure: failure.state, FailureState.MUTED, "Muted for an hour."),
]


@pytest.mark.parametrize(
    ("row", "button", "became", "expected", "told"), BUTTONS, ids=[one[0] for one in BUTTONS]
)
def test_a_button_does_it_and_the_page_says_so(
    scene: Ordinary, boss: Client, row: str, button: str, became: Was, expected: Any, told: str
) -> None:
    one = getattr(scene, row)
    assert became(one) != expected
    after = press(boss, page_of(one), button, reason="ticket 4711")
    one.refresh_from_db()
    assert became(one) == expected
    assert told in after


def test_a_list_acts_on_the_chosen(scene: Ordinary, boss: Client) -> None:
    chosen = {ACTION_CHECKBOX_NAME: str(scene.failed.pk), "action": "retry"}
    press(boss, f"{list_of('job')}?status=failed", "Run", **chosen)
    assert Job.objects.get(pk=scene.failed.pk).status == Status.PENDING


def test_a_job_is_enqueued_from_the_catalogue(scene: Ordinary, boss: Client) -> None:
    page = reverse("admin:django_jobs_catalogue_job", args=["tests.add"])
    press(boss, page, "Enqueue", **{"params-a": "1", "params-b": "2"})
    assert Job.objects.get(job_name="tests.add").params == {"a": 1, "b": 2}


def test_a_failed_job_is_mended_and_retried(scene: Ordinary, boss: Client) -> None:
    press(boss, page_of(scene.failed, "edit"), "Save and retry", **{"params-region": "California"})
    job = Job.objects.get(pk=scene.failed.pk)
    assert (job.status, job.params["region"]) == (Status.PENDING, "California")


def test_a_job_is_offered_for_rows_of_others(scene: Ordinary, boss: Client) -> None:
    chosen = {ACTION_CHECKBOX_NAME: str(scene.quake.pk), "action": "run_job_on_selected"}
    after = press(boss, reverse("admin:quakes_quake_changelist"), "Run", **chosen)
    assert "1 quake selected" in after
