"""What themes and small screens need: headings at cells, the navigation in its place."""

from __future__ import annotations

import re

import pytest
from django.template.loader import get_template
from django.test import Client
from django.utils.safestring import mark_safe
from django.utils.translation import override

from django_jobs.admin.shared.labelled_cells import labelled
from tests.admin.pages import list_of
from tests.factories import JobFactory, QueueFactory, WorkerFactory


def labels(page: str, cell: str) -> list[str]:
    return re.findall(rf'<t[dh] (?:data-empty )?data-label="([^"]*)" class="field-{cell}', page)


@pytest.mark.parametrize("model", ["job", "queue"])
def test_every_cell_but_the_box_has_its_heading(boss: Client, model: str) -> None:
    JobFactory()
    QueueFactory(name="mail")
    page = boss.get(list_of(model)).content.decode()
    assert page.count('class="field-') == len(
        re.findall(r' data-label="[^"]+" class="field-', page)
    )
    assert page.count(' data-label="') == page.count('class="field-') > 0


def test_the_heading_is_the_columns_in_the_readers_language(boss: Client) -> None:
    JobFactory()
    assert labels(boss.get(list_of("job")).content.decode(), "queue") == ["Queue"]
    with override("de"):
        german = boss.get(list_of("job"), headers={"accept-language": "de"}).content.decode()
    assert labels(german, "scheduled_shortly") == ["Geplant für"]


def test_a_cell_that_says_nothing_is_marked(boss: Client) -> None:
    QueueFactory(name="mail")
    page = boss.get(list_of("queue")).content.decode()
    assert re.search(r'<td data-empty data-label="[^"]+" class="field-oldest[^>]*>[-–]</td>', page)
    assert not re.search(r'data-empty[^>]*class="field-state', page)


def test_the_navigation_is_there_once_whatever_the_theme(boss: Client) -> None:
    plain = boss.get(list_of("job"))
    assert plain.content.decode().count('class="jobs-navigation"') == 1
    # django-unfold draws no ``pretitle``; its context tells it apart.
    unfold = get_template("admin/django_jobs/navigation_unfold.html")
    about = {"sidebar_navigation": [], "heading": "Backfill"}
    drawn = unfold.render(about, plain.wsgi_request)
    assert drawn.count('class="jobs-navigation"') == drawn.count("<h1>Backfill</h1>") == 1
    assert "jobs-navigation" not in unfold.render({}, plain.wsgi_request)


def test_a_theme_that_labels_cells_itself_keeps_its_labels(boss: Client) -> None:
    changes = boss.get(list_of("job")).context["cl"]
    theirs = mark_safe('<td data-label="Theirs" class="field-queue">mail</td>')
    assert labelled(changes, theirs) == theirs


def test_an_empty_list_says_what_to_do(any_status: None, boss: Client) -> None:
    workers, jobs = list_of("worker"), list_of("job")
    assert "manage.py runjobs" in boss.get(workers).content.decode()
    assert "put @cron on a job" in boss.get(list_of("cronjob")).content.decode()
    # A filter is another reason to see nothing.
    assert "put @cron" not in boss.get(f"{list_of('cronjob')}?q=nightly").content.decode()
    assert "Show all jobs" not in boss.get(jobs).content.decode()
    assert "Show all jobs" in boss.get(f"{jobs}?q=queue:nothing").content.decode()
    WorkerFactory(name="main")
    assert "manage.py runjobs" not in boss.get(workers).content.decode()
