"""Whatever is stored stays text on every page, in a browser that would run it."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from django_jobs.models import Job
from tests.admin.pages import list_of, page_of
from tests.browser.scene import ADDRESS, LONG, READ, SHORT, Scene, make_scene
from tests.browser.visitor import Visitor

MODELS = ("job", "cronjob", "queue", "worker")
#: Links of each filter that are followed.
FOLLOWED = 3


@pytest.fixture
def scene(transactional_db: None, any_status: None) -> Scene:
    return make_scene()


def test_nothing_stored_is_run_or_fetched(scene: Scene, visitor: Visitor) -> None:
    _press_buttons(scene, visitor)
    _read_lists(visitor)
    _read_pages(scene, visitor)
    _watch_a_running_job(scene, visitor)
    _choose_actions(visitor)
    visitor.open(reverse("admin:index"))
    assert READ in visitor.text(), "the admin's own log is shown beside the index"
    assert visitor.noticed == []
    assert len(visitor.opened) > 40


def test_the_visitor_would_notice(visitor: Visitor) -> None:
    """The same eyes on a page that does not escape."""
    careless = f"<div id=container><a href='{ADDRESS}'>x</a>{LONG}"
    headers = {"Content-Security-Policy-Report-Only": "default-src 'self'"}
    visitor.page.route(
        "**/careless/",
        lambda route: route.fulfill(body=careless, content_type="text/html", headers=headers),
    )
    visitor.open("/careless/")
    noticed = " ".join(visitor.noticed)
    for what in (
        "dialog: 2",
        "a script of a stored text ran",
        "request to http://elsewhere.invalid",
        "img[src='x']",
        "address of a link",
        "Content Security Policy",
    ):
        assert what in noticed, what


def _read_lists(visitor: Visitor) -> None:
    for model in MODELS:
        url = list_of(model)
        visitor.open(url)
        if model != "queue":
            assert READ in visitor.text(), url
        for link in _filters(visitor):
            visitor.open(f"{url}{link}")
    for model in ("job", "cronjob"):
        for term in (SHORT, LONG, "tests.echo"):
            visitor.open(list_of(model))
            visitor.page.fill("#searchbar", term)
            visitor.page.press("#searchbar", "Enter")
            visitor.page.wait_for_load_state()
            visitor.look()
            assert "q=" in visitor.page.url
    for query in ("status=", "queue=", "job=", "created_at__year=", "e="):
        visitor.open(f"{list_of('job')}?{query}{SHORT}")


def _filters(visitor: Visitor) -> list[str]:
    groups = visitor.page.locator("#changelist-filter ul").all()
    return [
        str(link.get_attribute("href"))
        for group in groups
        for link in group.locator("a").all()[:FOLLOWED]
    ]


def _read_pages(scene: Scene, visitor: Visitor) -> None:
    for row in scene.rows:
        names = ["change", "history"]
        names += ["live"] if isinstance(row, Job) else []
        deletable = row not in (scene.running, scene.queue)
        names += ["delete"] if deletable else []
        for name in names:
            visitor.open(page_of(row, name))
            if name in ("change", "live"):
                assert (
                    READ in visitor.text()
                    or visitor.page.locator("textarea, input[type=text]").count()
                ), (name, row)
    visitor.open(page_of(scene.readable))
    assert visitor.text().count(READ) > 15
    assert "{{7*7}}" in visitor.text()


def _watch_a_running_job(scene: Scene, visitor: Visitor) -> None:
    """The page fetches its live parts and puts them in the place of the old ones."""
    visitor.open(page_of(scene.running))
    Job.objects.filter(pk=scene.running.pk).update(progress_message=f"news {SHORT}")
    visitor.page.get_by_text(f"news {SHORT}").wait_for()
    visitor.look()


def _press_buttons(scene: Scene, visitor: Visitor) -> None:
    for row, button in ((scene.running, "cancel"), (scene.failed, "discard"), (scene.queue, None)):
        visitor.open(page_of(row))
        if button is not None:
            visitor.page.fill("input[name=reason]", LONG[:400])
        name = button or "resume"
        visitor.page.locator(f"button[name=button][value={name}]").click()
        visitor.page.wait_for_load_state()
        visitor.look()
        assert visitor.page.locator(".messagelist").count()
    visitor.open(page_of(scene.cron_job))
    visitor.page.locator("button[value=enqueue_now]").click()
    visitor.page.wait_for_load_state()
    visitor.look()
    assert READ in visitor.text(), "the message names the schedule"
    assert LogEntry.objects.filter(change_message__contains="<img").exists()


def _choose_actions(visitor: Visitor) -> None:
    for model, actions in {
        "job": ["retry", "delete_selected"],
        "cronjob": ["enqueue_now", "disable", "delete_selected"],
        "worker": ["drain", "delete_selected"],
    }.items():
        for action in actions:
            visitor.open(list_of(model))
            visitor.page.check("#action-toggle")
            visitor.page.select_option("select[name=action]", action)
            visitor.page.locator("button[name=index]").first.click()
            visitor.page.wait_for_load_state()
            visitor.look()
