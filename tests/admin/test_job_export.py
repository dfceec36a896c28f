"""CSV and JSON of everything that the list finds."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from django_jobs.admin.jobs.listing import export as job_export
from django_jobs.models import JobAudit
from django_jobs.states import Status
from tests.admin.conftest import LogIn
from tests.admin.pages import list_of, told
from tests.factories import JobFactory, ago


def exported(client: Client, kind: str, query: str = "") -> Any:
    url = f"{reverse('admin:django_jobs_job_export')}?{query}"
    response = client.post(url, {"format": kind})
    assert response.status_code == 200
    text = b"".join(response).decode()
    return json.loads(text) if kind == "json" else list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_it_holds_what_the_list_finds(any_status: None, boss: Client, kind: str) -> None:
    jobs = JobFactory.create_batch(3, status=Status.FAILED, error="ValueError: no")
    JobFactory()
    rows = exported(boss, kind, "q=status:failed")
    assert {row["id"] for row in rows} == {str(job.pk) for job in jobs}
    assert {row["error"] for row in rows} == {"ValueError: no"}
    entry = JobAudit.objects.get()
    assert (entry.action, entry.actor, entry.source) == ("export", "boss", "admin")
    assert entry.target == "status:failed"


def test_an_empty_file_has_its_columns(boss: Client) -> None:
    url = reverse("admin:django_jobs_job_export")
    assert b"".join(boss.post(url, {"format": "csv"})).startswith(b"id,job_name,queue,")
    assert exported(boss, "json") == []


def test_secrets_stay_hidden(any_status: None, boss: Client) -> None:
    JobFactory(params={"password": "hunter2", "a": 1}, result={"was": "hunter2"})
    (row,) = exported(boss, "json")
    assert row["params"] == {"password": "[hidden]", "a": 1}
    assert "hunter2" not in json.dumps(row)


def test_without_the_permission_there_is_no_payload(any_status: None, log_in: LogIn) -> None:
    JobFactory(params={"a": "given"}, error="wrong")
    client = log_in("view_job")
    for kind in ("csv", "json"):
        (row,) = exported(client, kind)
        assert not {"params", "result", "error", "progress_message"} & row.keys()
        assert "given" not in str(row)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_spreadsheet_takes_it_for_a_formula(any_status: None, boss: Client, text: str) -> None:
    JobFactory(error=text, unique_key=text)
    (row,) = exported(boss, "csv")
    assert row["error"] == f"'{text}"
    assert row["unique_key"] == f"'{text}"


@pytest.mark.parametrize("query", ["", "status=failed"])
def test_many_are_read_by_key(
    any_status: None, boss: Client, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(job_export, "CHUNK", 2)
    same = ago(minutes=1)
    JobFactory.create_batch(5, status=Status.FAILED, completed_at=same)
    rows = exported(boss, "csv", query)
    assert len({row["id"] for row in rows}) == len(rows) == 5
    monkeypatch.setattr(job_export, "EXPORT_MAX", 3)
    rows = exported(boss, "csv", query)
    assert [row["id"] for row in rows[3:]] == ["Only the first 3 jobs are here."]
    monkeypatch.setattr(job_export, "EXPORT_MAX", 5)
    assert len(exported(boss, "csv", query)) == 5


def test_it_asks_for_post_and_the_permission(boss: Client, log_in: LogIn) -> None:
    url = reverse("admin:django_jobs_job_export")
    assert boss.get(url).status_code == 405
    assert log_in("view_queue").post(url, {"format": "csv"}).status_code == 403


@pytest.mark.parametrize("query", ["before=x", "unheard=of", "q=status:fail"])
def test_odd_requests_lead_back(boss: Client, query: str) -> None:
    url = f"{reverse('admin:django_jobs_job_export')}?{query}"
    response = boss.post(url, {"format": "csv"})
    assert response.status_code == 302
    assert response["Location"].startswith(list_of("job"))


def test_a_search_with_a_mistake_is_told_as_such(boss: Client) -> None:
    url = f"{reverse('admin:django_jobs_job_export')}?q=statsu:failed"
    (said,) = told(boss.post(url, {"format": "csv"}))
    assert said == "statsu: there is no such qualifier; did you mean status?"


def test_odd_formats_are_named(boss: Client) -> None:
    response = boss.post(reverse("admin:django_jobs_job_export"), {"format": "pdf"})
    assert told(response) == ["format: one of csv, json."]
