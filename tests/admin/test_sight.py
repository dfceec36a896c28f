"""What a site's own rules hide: it is found nowhere, not by its name and not in a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse

from django_jobs.admin.own_pages.targets import targets_of
from django_jobs.models import Job, JobRollup, WorkerState
from django_jobs.states import Status
from tests.admin.conftest import LogIn
from tests.admin.failing import make_group
from tests.admin.pages import act, list_of, page_of
from tests.admin.statements import MOST_QUERIES, asked_by
from tests.factories import (
    JobFactory,
    QueueFactory,
    WorkerFactory,
    WorkerProcessFactory,
    ago,
)

#: Hidden by name, by queue, by both together, and by a name that nobody registered.
HIDDEN = (
    {"job_name": "tests.pay"},
    {"queue": "vault"},
    {"job_name": "tests.echo", "queue": "reports"},
    {"job_name": "gone.vault"},
)


def not_for_staff(user: Any, permission: str, job_name: str | None, queue: str | None) -> bool:
    if user.username == "owner" or permission != "view_job":
        return True
    is_both = job_name == "tests.echo" and queue == "reports"
    return not (job_name in ("tests.pay", "gone.vault") or queue == "vault" or is_both)


@pytest.fixture(autouse=True)
def rules(any_status: None, settings: Any) -> Iterator[None]:
    cache.clear()
    settings.DJANGO_JOBS = {"PERMISSION_HOOK": f"{__name__}.not_for_staff"}
    yield
    cache.clear()  # of what the doctor said


@pytest.fixture
def hidden() -> list[Job]:
    """One of each kind; a queue with a row is one that the site knows."""
    QueueFactory(name="vault")
    return [JobFactory(status=Status.FAILED, **columns) for columns in HIDDEN]


def text_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


def names_in(text: str) -> set[str]:
    return set(re.findall(r"[\w.]+", text.replace("<wbr>", "")))


def found(client: Client, query: str = "") -> list[Any]:
    return [job.pk for job in client.get(f"{list_of('job')}?{query}").context["cl"].result_list]


@pytest.mark.parametrize("query", ["", "status=failed", "q=tests", "q=-status:completed"])
def test_lists_show_the_rest(boss: Client, hidden: list[Job], query: str) -> None:
    seen = [JobFactory(status=Status.FAILED, job_name="tests.echo").pk, JobFactory().pk]
    assert set(found(boss, query)) == set(seen[:1] if query == "status=failed" else seen)
    text = text_of(boss, f"{list_of('job')}?{query}")
    assert not names_in(text) & {"tests.pay", "vault", "gone.vault"}


def test_who_does_not_see_all_is_told_how_far_the_list_looks(
    boss: Client, hidden: list[Job], monkeypatch: pytest.MonkeyPatch, django_user_model: Any
) -> None:
    monkeypatch.setattr("django_jobs.admin.jobs.listing.reach.WINDOW", 2)
    assert boss.get(list_of("job")).context["cl"].is_windowed
    django_user_model.objects.update(username="owner")
    assert not boss.get(list_of("job")).context["cl"].is_windowed


def test_an_id_is_no_way_around(boss: Client, hidden: list[Job]) -> None:
    for job in hidden:
        assert found(boss, f"q={job.pk}") == []
        for page in ("change", "live", "history", "delete"):
            assert boss.get(page_of(job, page)).status_code == 403, page
        assert boss.post(page_of(job, "press"), {"button": "retry"}).status_code == 403
    ids = ",".join(job.pk.hex for job in hidden)
    assert not boss.get(f"{reverse('admin:django_jobs_job_rows')}?ids={ids}").content
    act(boss, "job", "retry", hidden)
    assert Job.objects.failed().count() == len(hidden)


@pytest.mark.parametrize(
    ("model", "field"), [("cronjob", "last_job"), ("joblog", "job"), ("jobtransition", "job")]
)
def test_object_pickers_name_no_job(
    boss: Client, hidden: list[Job], model: str, field: str
) -> None:
    """Whoever may see jobs can ask for them by any key to jobs, in no page of ours."""
    asked = {"app_label": "django_jobs", "model_name": model, "field_name": field, "term": "pay"}
    assert boss.get(reverse("admin:autocomplete"), asked).json()["results"] == []


def test_a_hidden_parent_is_not_named(boss: Client, hidden: list[Job]) -> None:
    seen = JobFactory()
    for parent in (*hidden, seen):
        text = text_of(boss, page_of(JobFactory(job_name="tests.add", parent_id=parent.pk)))
        assert (str(parent.pk) in text) is (parent is seen)


def test_a_failure_shows_the_jobs_that_are_seen(boss: Client) -> None:
    group = make_group(job_name="tests.echo")
    alike = {"job_name": "tests.echo", "status": Status.FAILED, "fingerprint": group.pk}
    mine = JobFactory(**alike, error="ValueError: mine", completed_at=ago(minutes=2))
    for queue in ("vault", "reports"):
        JobFactory(**alike, queue=queue, error="ValueError: theirs", completed_at=ago(minutes=1))
    page = boss.get(page_of(group))
    assert [one["id"] for one in page.context["jobs_latest"]] == [mine.pk]
    text = page.content.decode()
    assert "ValueError: mine" in text
    assert "ValueError: theirs" not in text


def test_tabs_count_what_is_seen(boss: Client, hidden: list[Job]) -> None:
    JobFactory(status=Status.FAILED)
    JobFactory.create_batch(2)
    tabs = boss.get(list_of("job")).context["jobs_tabs"]
    counts = {str(tab.label): tab.count for tab in tabs}
    assert counts["failed"] == "1"
    assert counts["pending"] == counts["unfinished"] == "2"


def test_tabs_of_too_many_have_no_number(
    boss: Client, hidden: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jobs.admin.jobs.listing.tabs.COUNT_MAX", 2)
    tabs = boss.get(list_of("job")).context["jobs_tabs"]
    assert {str(tab.label): tab.count for tab in tabs}["failed"] == ""


def test_exports_leave_it_out(boss: Client, hidden: list[Job]) -> None:
    mine = JobFactory()
    answer = boss.post(reverse("admin:django_jobs_job_export"), {"format": "csv"})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert str(mine.pk) in text
    assert not any(str(job.pk) in text for job in hidden)


def test_the_overview_does_not_name_it(boss: Client, hidden: list[Job]) -> None:
    JobFactory(queue="vault", status=Status.PENDING, scheduled_for=ago(hours=1))
    for name in ("tests.pay", "tests.add", "gone.vault"):
        JobRollup.objects.create(
            start=ago(minutes=5), job_name=name, queue="default", outcome="failed", count=1
        )
    make_group(job_name="tests.pay", last_seen_at=ago())
    text = text_of(boss, reverse("admin:app_list", args=["django_jobs"]))
    assert "tests.add" in names_in(text)
    assert not names_in(text) & {"tests.pay", "vault", "gone.vault"}


def test_the_words_of_the_doctor_do_not_name_it(
    boss: Client, hidden: list[Job], django_user_model: Any
) -> None:
    JobFactory(queue="vault", status=Status.PENDING)
    boss.get(reverse("admin:django_jobs_overview_lamp"))
    url = reverse("admin:app_list", args=["django_jobs"])
    text = text_of(boss, url)
    assert "unserved queues" in text
    assert "vault" not in names_in(text)
    django_user_model.objects.update(username="owner")
    assert "vault" in text_of(boss, url).partition("unserved queues")[2].partition("</bdi>")[0]


def test_workers_the_catalogue_and_relatives_do_not_name_it(boss: Client) -> None:
    worker = WorkerFactory(name="main", state=WorkerState.RUNNING, last_heartbeat_at=ago())
    process = WorkerProcessFactory(worker=worker)
    parent = JobFactory(status=Status.COMPLETED, attempt_count=1)
    running = {"status": Status.RUNNING, "worker_process": process.pk, "parent_id": parent.pk}
    JobFactory(job_name="tests.pay", **running)
    JobFactory(job_name="tests.echo", **running)
    urls = (list_of("worker"), page_of(parent), reverse("admin:django_jobs_catalogue"))
    for url in urls:
        text = text_of(boss, url)
        assert names_in(text) & {"tests.echo", "tests.pay"} == {"tests.echo"}, url
    assert boss.get(f"{urls[-1]}tests.pay/").status_code == 403


def test_of_relatives_the_rest_can_be_reached(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jobs.admin.jobs.lineage.CHILDREN_MAX", 2)
    parent = JobFactory(status=Status.COMPLETED, attempt_count=1)
    for queue in ("default", "vault", "default"):
        JobFactory(parent_id=parent.pk, queue=queue)
    lineage = boss.get(page_of(parent)).context["jobs_lineage"]
    assert (len(lineage.children), lineage.has_more) == (1, True)


def test_it_is_not_run_on_selected_objects(
    rf: RequestFactory, django_user_model: Any, log_in: LogIn
) -> None:
    """Nor named there; whoever sees no jobs at all is offered what they may enqueue."""
    log_in("enqueue_job")
    log_in("enqueue_job", "view_job")
    offered = []
    for user in django_user_model.objects.order_by("username"):
        request = rf.get("/")
        request.user = user
        offered.append({one.name for one in targets_of(request, Job, {"pk": 1})})
    assert offered[0] - offered[1] == {"tests.pay"}
    assert "tests.echo" in offered[1]


def test_others_see_everything(boss: Client, hidden: list[Job], django_user_model: Any) -> None:
    django_user_model.objects.update(username="owner")
    assert set(found(boss)) == {job.pk for job in hidden}
    assert boss.get(page_of(hidden[0])).status_code == 200


def test_the_list_asks_no_more_often(boss: Client, hidden: list[Job]) -> None:
    assert len(asked_by(boss, list_of("job"))) <= MOST_QUERIES
