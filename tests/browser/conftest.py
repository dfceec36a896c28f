"""A real browser in front of a real server: the system's Chromium, driven by playwright.

    uv run --group browser pytest tests/browser

Without either, the tests are skipped and say so; with ``BROWSER_TESTS=required`` they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.browser.visitor import Visitor

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def give_up(reason: str) -> NoReturn:
    if os.environ.get("BROWSER_TESTS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, without a window.

    Not for longer than this folder's tests: playwright keeps an event loop running in this thread.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        give_up("NO BROWSER: install chromium to try the pages in one")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        give_up("NO BROWSER DRIVER: uv run --group browser pytest tests/browser")
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        # In the thread of an event loop Django refuses to query.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        # Root, as in containers, has no sandbox.
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visitor(browser: Any, live_server: Any) -> Iterator[Visitor]:
    """A superuser at a browser."""
    context = browser.new_context(base_url=live_server.url, service_workers="block")
    context.set_default_timeout(15_000)
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    cookie = client.cookies["sessionid"]
    context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": live_server.url}])
    yield Visitor(context.new_page(), live_server.url)
    context.close()
