"""The strictest policy that the pages work under; in the tests every answer names it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]


def strict_policy(answer: Answer) -> Answer:
    """A middleware: no inline scripts and styles, and nothing from elsewhere.

    The browser only reports what it would have refused, so that a script that slipped through runs
    and is noticed too.
    """

    def restricted(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        response["Content-Security-Policy-Report-Only"] = "default-src 'self'"
        return response

    return restricted
