"""axe finds nothing on any page of ours, by day, by night and on a phone; and all of it fits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.urls import reverse

from django_jobs.admin.overview.history import RANGES
from django_jobs.admin.overview.kept import forget
from django_jobs.admin.overview.light import NAME
from tests.admin.pages import list_of, page_of
from tests.browser.conftest import give_up
from tests.browser.ordinary import Ordinary, make_ordinary
from tests.browser.visitor import Visitor

OPTIONS: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "resultTypes": ["violations"],
}
#: What else than the document decides: asked again when colours and widths change.
OF_LOOKS: Final = OPTIONS | {"runOnly": ["color-contrast", "scrollable-region-focusable"]}
#: Links change their colour slowly; what is half way there is no colour of a page.
EXAMINE: Final = """async options => {
    await new Promise(requestAnimationFrame);
    document.getAnimations().forEach(one => one.finish());
    return axe.run(document, options);
}"""
WIDE: Final = {"width": 1280, "height": 900}
NARROW: Final = {"width": 400, "height": 800}
WIDTHS: Final = (1400, 1280, 1024, 800, 400)
#: A page scrolls down, not sideways; nor does a list in it.
TOO_WIDE: Final = """() => [
        document.documentElement, ...document.querySelectorAll(".results, .form-row")
    ].filter(one => one.scrollWidth > one.clientWidth)
    .map(one => `${one.className || "page"}: ${one.scrollWidth} > ${one.clientWidth}`)"""
#: For people who want to look at the pages, too: a folder for pictures of them.
PICTURES: Final = os.environ.get("BROWSER_PICTURES")


@pytest.fixture
def scene(transactional_db: None, any_status: None) -> Iterator[Ordinary]:
    kept = (NAME, *(f"ranking-{one.key}" for one in RANGES))
    forget(*kept)
    yield make_ordinary()
    forget(*kept)


class Examiner:
    """Looks at pages with axe, and keeps what it finds until all of them were seen."""

    def __init__(self, visitor: Visitor, axe: str) -> None:
        self.visitor = visitor
        self.axe = axe
        self.found: list[str] = []

    def examine(self, name: str, url: str, *, narrow: bool = False) -> None:
        """Open a page and look at it."""
        self.visitor.page.set_viewport_size(WIDE)
        self.visitor.open(url)
        self.found += self.visitor.noticed
        self.look(name, narrow=narrow)
        # axe's own doing: it sets styles to try what is hidden.
        self.visitor.noticed.clear()

    def look(self, name: str, *, narrow: bool = False) -> None:
        """Look at the page as it is now: light and dark, and narrow if that matters most."""
        page = self.visitor.page
        page.evaluate(self.axe)
        looks = [("light", WIDE, OPTIONS), ("dark", WIDE, OF_LOOKS)]
        for scheme, size, options in looks + [("dark", NARROW, OF_LOOKS)] * narrow:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            shown = f"{name}-{scheme}-{size['width']}"
            answer = page.evaluate(EXAMINE, options)
            self.found += [_told(shown, one) for one in answer["violations"]]
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"{shown}.png", full_page=True)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            self.found += [f"{name}-{width}: {one}" for one in page.evaluate(TOO_WIDE)]

    def is_content(self) -> None:
        assert self.found == [], "\n".join(self.found)


def _told(shown: str, violation: dict[str, Any]) -> str:
    nodes = violation["nodes"][:4]
    told = [f"    {one['target']} {one['html'][:200]}\n    {_why(one)}" for one in nodes]
    return "\n".join([f"{shown}: {violation['id']}: {violation['help']}", *told])


def _why(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for check in [*node["any"], *node["all"], *node["none"]])


@pytest.fixture
def examiner(visitor: Visitor) -> Examiner:
    try:
        from axe_playwright_python.base import AXE_SCRIPT
    except ImportError:
        give_up("NO AXE: uv run --group browser pytest tests/browser")
    return Examiner(visitor, AXE_SCRIPT)


def test_overview_and_jobs(scene: Ordinary, examiner: Examiner) -> None:
    examiner.examine("box", reverse("admin:index"), narrow=True)
    examiner.examine("overview", "/admin/django_jobs/", narrow=True)
    jobs = list_of("job")
    examiner.examine("jobs", jobs, narrow=True)
    examiner.examine("jobs-filtered", f"{jobs}?status=failed&q=queue:reports")
    examiner.examine("jobs-errors", f"{jobs}?q=status:nonsense+created:soon", narrow=True)
    for name in ("running", "waiting", "failed", "completed"):
        examiner.examine(f"job-{name}", page_of(getattr(scene, name)), narrow=True)
    examiner.examine("edit", page_of(scene.failed, "edit"), narrow=True)
    examiner.examine("rerun", page_of(scene.completed, "rerun"))
    examiner.is_content()


def test_failures_and_forms(
    scene: Ordinary, examiner: Examiner, monkeypatch: pytest.MonkeyPatch
) -> None:
    examiner.examine("failures", list_of("failuregroup"), narrow=True)
    examiner.examine("failure", page_of(scene.failure), narrow=True)
    examiner.examine("catalogue", reverse("admin:django_jobs_catalogue"), narrow=True)
    form = reverse("admin:django_jobs_catalogue_job", args=[scene.failed.job_name])
    examiner.examine("catalogue-job", form, narrow=True)
    examiner.visitor.page.click("form.jobs-enqueue input[type=submit]")
    examiner.visitor.page.wait_for_selector(".errornote")
    examiner.look("catalogue-errors")
    monkeypatch.setattr("django_jobs.admin.jobs.listing.admin.JobListAdmin.list_per_page", 2)
    _choose(examiner, list_of("job"), "retry", everywhere=True)
    examiner.visitor.page.wait_for_selector("form.jobs-confirm")
    examiner.look("confirm", narrow=True)
    _choose(examiner, reverse("admin:quakes_quake_changelist"), "run_job_on_selected")
    examiner.look("selected")
    examiner.visitor.page.click("input[type=submit]")
    examiner.visitor.page.wait_for_selector("input[name=jobs_send]", state="attached")
    examiner.look("selected-run")
    examiner.is_content()


def test_queues_workers_schedules_and_the_audit(scene: Ordinary, examiner: Examiner) -> None:
    pages: list[tuple[str, Callable[[], str]]] = [
        ("queue", lambda: page_of(scene.queue)),
        ("worker", lambda: page_of(scene.worker)),
        ("cronjob", lambda: page_of(scene.schedule)),
        ("jobaudit", lambda: page_of(scene.entry)),
    ]
    for model, page in pages:
        examiner.examine(f"{model}-list", list_of(model), narrow=True)
        examiner.examine(f"{model}-page", page(), narrow=True)
    examiner.examine("cronjob-add", reverse("admin:django_jobs_cronjob_add"), narrow=True)
    examiner.examine("backfill", page_of(scene.schedule, "backfill"), narrow=True)
    examiner.is_content()


def _choose(examiner: Examiner, url: str, action: str, *, everywhere: bool = False) -> None:
    """Choose an action for all that a list shows, or for those on its other pages, too."""
    page = examiner.visitor.page
    page.set_viewport_size(WIDE)
    examiner.visitor.open(url)
    page.check("#action-toggle")
    if everywhere:
        page.click("span.question a")
    page.select_option("select[name=action]", action)
    page.click("button[name=index]")
    page.wait_for_load_state()


def test_lists_fit_with_german_words(scene: Ordinary, visitor: Visitor) -> None:
    page = visitor.page
    page.set_extra_http_headers({"Accept-Language": "de"})
    lists = ("job", "queue", "worker", "cronjob", "failuregroup", "jobaudit")
    faults = []
    for url in (*map(list_of, lists), page_of(scene.schedule)):
        visitor.open(url)
        assert page.locator("html").get_attribute("lang") == "de"
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            faults += [f"{url} at {width}: {one}" for one in page.evaluate(TOO_WIDE)]
    assert faults == []
