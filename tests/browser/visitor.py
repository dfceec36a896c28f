"""Somebody who opens pages and notices whatever should not happen there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


class Visitor:
    """A page of a browser, with all that came up on it.

    Attributes:
        page: playwright's.
        noticed: dialogs, scripts that ran, requests to other hosts, refusals by the policy.
        opened: addresses that were looked at.
    """

    def __init__(self, page: Any, server: str) -> None:
        self.page = page
        self.noticed: list[str] = []
        self.opened: list[str] = []
        self._host = urlsplit(server).netloc
        page.on("dialog", self._on_dialog)
        page.on("request", self._on_request)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._notice(f"error of a script: {error}"))
        page.on("popup", lambda popup: self._notice("a window opened"))

    def open(self, url: str) -> None:
        """Open a page and look at it."""
        answer = self.page.goto(url)
        assert answer is not None, url
        assert answer.status == 200, (answer.status, url)
        self.look()

    def look(self) -> None:
        """Look at the page as it is now."""
        self.opened.append(self.page.url)
        # Straight from the debugger: no policy of the page forbids it.
        if self.page.evaluate("window.__canary"):
            self._notice("a script of a stored text ran")
        for selector in ("img[src='x']", "svg[onload]", "script:not([src]):not([type])"):
            if self.page.locator(f"#container {selector}").count():
                self._notice(f"a stored text became {selector}")
        if self.page.locator("[href^='javascript:' i], [src^='javascript:' i]").count():
            self._notice("a stored text became the address of a link")

    def press(self, name: str) -> str:
        """Press a button of the page; return what the next one says of it."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).click()
        self.look()
        return str(self.page.locator(".messagelist").inner_text())

    def text(self) -> str:
        """What can be read on the page."""
        return str(self.page.locator("body").inner_text())

    def _notice(self, what: str) -> None:
        self.noticed.append(f"{what} ({self.page.url})")

    def _on_dialog(self, dialog: Any) -> None:
        self._notice(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _on_request(self, request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self._notice(f"request to {request.url}")

    def _on_console(self, message: Any) -> None:
        is_refusal = "Content Security Policy" in message.text
        is_icon = message.location["url"].endswith("/favicon.ico")  # asked for by the browser
        if is_refusal or (message.type == "error" and not is_icon):
            self._notice(f"console: {message.text}")
