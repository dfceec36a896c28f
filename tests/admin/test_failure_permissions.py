"""Who sees failures, and who may do what about them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from django_jobs.models import (
    FailureGroup,
    FailureState,
    Job,
    JobAudit,
)
from django_jobs.states import Status
from tests.admin.conftest import LogIn
from tests.admin.failing import BUTTONS, listed, make_group, press
from tests.admin.pages import list_of, page_of
from tests.factories import failed_job
from tests.scenes import Configure

pytestmark = pytest.mark.django_db


def test_messages_and_tracebacks_need_the_permission(log_in: LogIn, group: FailureGroup) -> None:
    failed_job(fingerprint=group.pk, error="Traceback: in shop\nDeclined: no money")
    for permissions, is_shown in ((("view_job",), False), (("view_job", "view_job_payload"), True)):
        client = log_in(*permissions)
        for url in (list_of("failuregroup"), page_of(group)):
            page = client.get(url).content.decode()
            assert ("money" in page) == is_shown, url
            assert "shop.Declined" in page or is_shown


def test_strangers_and_staff_without_permission_see_nothing(
    client: Client, log_in: LogIn, group: FailureGroup
) -> None:
    urls = [list_of("failuregroup"), page_of(group), page_of(group, "live")]
    for url in (*urls, page_of(group, "press")):
        assert client.get(url).status_code == 302
    nobody = log_in("manage_failure", "retry_job", "discard_job")
    for url in urls:
        assert nobody.get(url).status_code == 403
    assert press(nobody, group, "resolve").status_code == 403


def test_who_may_only_look_has_no_buttons(log_in: LogIn, group: FailureGroup) -> None:
    failed_job(fingerprint=group.pk)
    client = log_in("view_job")
    assert client.get(page_of(group)).context["jobs_buttons"] == []
    for button in BUTTONS:
        assert press(client, group, button, sure="yes", per_minute="1").status_code == 403
    group.refresh_from_db()
    assert group.state == FailureState.NEW
    assert not Job.objects.exclude(status=Status.FAILED).exists()


@pytest.mark.parametrize(
    ("permission", "buttons"),
    [
        ("manage_failure", {"resolve", "mute", "reopen"}),
        ("retry_job", {"canary", "drip", "stop"}),
        ("discard_job", {"discard"}),
    ],
)
def test_each_permission_has_its_buttons(
    log_in: LogIn, group: FailureGroup, permission: str, buttons: set[str]
) -> None:
    failed_job(fingerprint=group.pk)
    client = log_in("view_job", permission)
    page = client.get(page_of(group))
    assert {button.name for button in page.context["jobs_buttons"]} == buttons
    html = page.content.decode()
    for button in buttons - {"stop"}:
        assert html.count(f'name="button" value="{button}"') == 1
    for button in BUTTONS - buttons:
        assert press(client, group, button).status_code == 403


def only_adding(user: Any, permission: str, job_name: str | None, queue: str | None) -> bool:
    """A site's rule: nobody does anything to other jobs, nor sees them."""
    return job_name in (None, "tests.add")


def only_looking(user: Any, permission: str, job_name: str | None, queue: str | None) -> bool:
    """A site's rule: of some jobs nothing may be done."""
    return permission == "view_job" or job_name is None


def test_the_sites_rules_hide_groups(
    boss: Client, group: FailureGroup, configure: Configure
) -> None:
    mine = make_group(2, job_name="tests.add")
    configure(PERMISSION_HOOK=f"{__name__}.only_adding")
    assert [one.pk for one in listed(boss)] == [mine.pk]
    assert boss.get(page_of(mine)).status_code == 200
    assert boss.get(page_of(group)).status_code in (302, 403)
    assert press(boss, group, "resolve").status_code in (302, 403)
    group.refresh_from_db()
    assert group.state == FailureState.NEW


def not_mail(user: Any, permission: str, job_name: str | None, queue: str | None) -> bool:
    """A site's rule about a queue."""
    return queue != "mail"


def test_one_job_of_a_forbidden_queue_forbids_all_of_them(
    boss: Client, group: FailureGroup, configure: Configure
) -> None:
    failed_job(fingerprint=group.pk)
    configure(PERMISSION_HOOK=f"{__name__}.not_mail")
    offered = {one.name for one in boss.get(page_of(group)).context["jobs_buttons"]}
    failed_job(fingerprint=group.pk, queue="mail")
    left = {one.name for one in boss.get(page_of(group)).context["jobs_buttons"]}
    assert offered - left == {"canary", "drip", "discard", "stop"} & offered
    assert press(boss, group, "discard", sure="yes").status_code == 403


def test_the_sites_rules_take_buttons_away(
    boss: Client, group: FailureGroup, configure: Configure
) -> None:
    failed_job(fingerprint=group.pk)
    configure(PERMISSION_HOOK=f"{__name__}.only_looking")
    assert boss.get(page_of(group)).context["jobs_buttons"] == []
    for button in BUTTONS:
        assert press(boss, group, button, sure="yes").status_code == 403
    assert not JobAudit.objects.exists()


def test_nobody_adds_edits_or_deletes(boss: Client, group: FailureGroup) -> None:
    assert boss.get(f"{list_of('failuregroup')}add/").status_code == 403
    assert boss.post(page_of(group), {"state": "resolved"}).status_code == 403
    assert boss.get(page_of(group, "delete")).status_code == 403


def test_buttons_need_the_token_and_a_post(boss: Client, group: FailureGroup) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = boss.cookies
    assert press(strict, group, "resolve").status_code == 403
    assert boss.get(page_of(group, "press"), {"button": "resolve"}).status_code == 405
    group.refresh_from_db()
    assert group.state == FailureState.NEW
