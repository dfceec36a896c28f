"""``{% job_progress job %}``: a bar for a site's own pages, and the address behind it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_jobs import progress
from django_jobs.ids import uuid7
from django_jobs.models import Job
from django_jobs.progress import address_of
from django_jobs.states import Status
from tests.factories import JobFactory

pytestmark = pytest.mark.django_db

urlpatterns: list[object] = []


def rendered(job: Job | None, arguments: str = "") -> str:
    source = "{% load django_jobs %}{% job_progress job " + arguments + " %}"
    return Template(source).render(Context({"job": job}))


@pytest.fixture
def running(any_status: None) -> Job:
    job: Job = JobFactory(status=Status.RUNNING, progress=45, progress_message="card 4111")
    return job


def test_the_bar_is_there_at_once(running: Job) -> None:
    text = rendered(running)
    assert '<progress max="100" value="45"' in text
    assert "running" in text
    assert "data-jobs-progress" in text
    assert "card 4111" not in text
    assert "card 4111" in rendered(running, "message=True")


def test_without_script_there_is_a_link_and_nothing_a_strict_policy_refuses(running: Job) -> None:
    text = rendered(running)
    assert 'href=""' in text
    assert " style=" not in text
    assert "<script>" not in text


def test_nothing_is_asked_about_a_job_that_ended(any_status: None) -> None:
    text = rendered(JobFactory(status=Status.COMPLETED, progress=100))
    assert "completed" in text
    assert "data-finished" in text
    assert "script" not in text
    assert "href" not in text


def test_no_job_no_bar() -> None:
    assert rendered(None).strip() == ""


def test_a_script_may_ask_without_a_login(client: Client, running: Job) -> None:
    (address,) = re.findall(r'data-jobs-progress="([^"]+)"', rendered(running))
    Job.objects.update(progress=80)
    answer = client.get(address)
    assert answer.status_code == 200
    assert 'value="80"' in answer.content.decode()
    assert "card 4111" not in answer.content.decode()
    assert answer["Cache-Control"] == "private, no-cache"
    assert not answer.cookies


def test_the_message_is_in_the_address_or_not_at_all(client: Client, running: Job) -> None:
    told = client.get(address_of(running, message=True)).content.decode()
    silent = address_of(running)
    assert "card 4111" in told
    assert "card 4111" not in client.get(f"{silent}?message=1").content.decode()


def test_what_has_not_changed_is_not_sent_again(client: Client, running: Job) -> None:
    address = address_of(running)
    tag = client.get(address)["ETag"]
    same = client.get(address, HTTP_IF_NONE_MATCH=tag)
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", tag)
    Job.objects.update(progress=46)
    assert client.get(address, HTTP_IF_NONE_MATCH=tag).status_code == 200
    # A message that this address does not tell is no change.
    tag = client.get(address)["ETag"]
    Job.objects.update(progress_message="other")
    assert client.get(address, HTTP_IF_NONE_MATCH=tag).status_code == 304
    assert client.get(address, HTTP_IF_NONE_MATCH=tag, HTTP_ACCEPT_LANGUAGE="de").status_code == 200


def test_one_query(client: Client, running: Job) -> None:
    with CaptureQueriesContext(connection) as captured:
        client.get(address_of(running))
    (only,) = captured
    assert "params" not in only["sql"]


def test_a_bad_address_says_nothing(client: Client, running: Job) -> None:
    good = address_of(running)
    token = good.rstrip("/").rpartition("/")[2]
    foreign = signing.dumps([running.pk.hex, 1], salt="other")
    gone = address_of(Job(pk=uuid7()))
    for address in (
        good.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B")),
        good.replace(token, token.partition(":")[0]),
        good.replace(token, foreign),
        good.replace(token, "%00"),
        good.replace(token, "x" * 5000),
        gone,
    ):
        answer = client.get(address)
        assert (answer.status_code, answer.content) == (404, b"")


def test_an_address_expires(client: Client, running: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    address = address_of(running)
    monkeypatch.setattr(progress, "MAX_AGE", timedelta(seconds=-1))
    answer = client.get(address)
    assert (answer.status_code, answer.content) == (404, b"")


def test_an_address_lives_as_long_as_its_key_and_its_job(
    client: Client, running: Job, settings: Any
) -> None:
    address, key = address_of(running), settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    assert client.get(address).status_code == 404
    settings.SECRET_KEY_FALLBACKS = [key]
    assert client.get(address).status_code == 200
    running.delete()
    assert client.get(address).status_code == 404


def test_it_is_only_read(client: Client, running: Job) -> None:
    assert client.post(address_of(running)).status_code == 405


@pytest.mark.urls(__name__)
def test_a_site_without_the_address_is_told_what_to_add(running: Job) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"include\(\"django_jobs.urls\"\)"):
        rendered(running)
