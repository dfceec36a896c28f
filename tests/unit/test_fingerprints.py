"""Which failures are of one kind: the job, the exception, and where the application raised it."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from django_jobs.exceptions import JobTimeout, Retry
from django_jobs.fingerprints import LENGTH, Signature, signature, signature_of, signature_of_text
from django_jobs.validation import format_traceback

JOB = "shop.charge"

SOURCE = """
import json

def charge(value):
    return parse(value)

def parse(value):
    return json.loads(value)

def squares(values):
    return [1 / one for one in values]

def together():
    raise ExceptionGroup("both", [ValueError("one"), TypeError("other")])

def chained():
    try:
        parse("{")
    except ValueError as error:
        raise RuntimeError("no") from error

class Declined(Exception):
    pass

def decline():
    raise Declined("no money\\nTraceback: not one")
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """A module of the application, with so many lines before it."""

    def load(lines: int = 0, folder: str = "") -> ModuleType:
        root = tmp_path / folder
        root.mkdir(parents=True, exist_ok=True)
        path = root / "shop.py"
        path.write_text("\n" * lines + textwrap.dedent(SOURCE))
        monkeypatch.syspath_prepend(str(root))
        module = ModuleType("shop")
        exec(compile(path.read_text(), str(path), "exec"), vars(module))
        return module

    return load


def raised(call: Callable[[], Any]) -> BaseException:
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at
        return error
    raise AssertionError("nothing was raised")


def test_it_names_the_exception_and_the_innermost_frame_of_the_application(shop: Any) -> None:
    module = shop()
    found = signature_of(JOB, raised(lambda: module.charge("{")))
    assert found.exception_type == "json.decoder.JSONDecodeError"
    assert found.frame == "shop.parse"
    assert len(found.fingerprint) == LENGTH
    assert int(found.fingerprint, 16) >= 0


def test_it_says_nothing_of_lines_messages_and_folders(shop: Any) -> None:
    one, other = shop(), shop(lines=40, folder="releases/2")
    first = signature_of(JOB, raised(lambda: one.parse("{")))
    assert signature_of(JOB, raised(lambda: other.parse("nonsense"))) == first


def test_job_exception_and_place_tell_failures_apart(shop: Any) -> None:
    module = shop()
    errors = [
        raised(call)
        for call in (
            lambda: module.parse("{"),
            lambda: module.parse(3),
            lambda: module.squares([0]),
            module.decline,
        )
    ]
    assert len({signature_of(JOB, error).fingerprint for error in errors}) == 4
    assert signature_of("other", errors[0]).fingerprint != signature_of(JOB, errors[0]).fingerprint


def test_comprehensions_are_part_of_their_function(shop: Any) -> None:
    """They have a frame of their own before Python 3.12 only."""
    assert signature_of(JOB, raised(partial(shop().squares, [0]))).frame == "shop.squares"


def test_without_a_frame_of_the_application_it_is_the_innermost_one() -> None:
    """As for an exception that was caught on the way and lost its outer frames."""
    error = raised(lambda: json.loads("{"))
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next.tb_next  # type: ignore[union-attr]
    assert signature_of(JOB, error).frame.startswith("json.")
    assert signature_of(JOB, ValueError("never raised")).frame == ""


@pytest.mark.parametrize("timeout", [JobTimeout(), JobTimeout("after 3 seconds")])
def test_a_timeout_strikes_anywhere(shop: Any, timeout: JobTimeout) -> None:
    def strike() -> None:
        raise timeout

    def elsewhere() -> None:
        strike()

    found = signature_of(JOB, raised(strike))
    assert found == signature_of(JOB, raised(elsewhere))
    assert found.frame == ""


def test_a_retry_is_about_what_it_was_raised_from(shop: Any) -> None:
    module = shop()

    def ask_again() -> None:
        try:
            module.parse("{")
        except ValueError as error:
            raise Retry("later") from error

    found = signature_of(JOB, raised(ask_again))
    assert found == signature_of(JOB, raised(lambda: module.parse("{")))
    assert signature_of(JOB, Retry("for no reason")).exception_type.endswith(".Retry")


def test_odd_exceptions_have_one_too() -> None:
    class Odd(Exception):
        __cause__ = property(lambda self: 1 / 0)  # type: ignore[assignment]

    assert signature_of(JOB, Odd()).exception_type == "Odd"
    assert signature(JOB, "\ud800").fingerprint != signature(JOB, "\ud801").fingerprint
    assert len(signature(JOB, "x" * 5000, "y" * 5000).exception_type) == 200


@pytest.mark.parametrize("name", ["charge", "squares", "together", "chained", "decline"])
def test_a_stored_traceback_tells_the_same(shop: Any, name: str) -> None:
    arguments = {"charge": ["{"], "squares": [[0]]}.get(name, [])
    error = raised(partial(getattr(shop(), name), *arguments))
    assert signature_of_text(JOB, format_traceback(error)) == signature_of(JOB, error)


def test_a_traceback_of_a_timeout_tells_the_same() -> None:
    def strike() -> None:
        raise JobTimeout("The job ran longer than its timeout of 3 seconds.")

    error = raised(strike)
    assert signature_of_text(JOB, format_traceback(error)) == signature_of(JOB, error)


def test_a_module_is_named_from_where_it_is_imported() -> None:
    text = (
        "Traceback (most recent call last):\n"
        f'  File "{sys.prefix}/lib/python3.13/site-packages/django/db/x.py", line 1, in execute\n'
        '  File "/srv/app/shop/orders/__init__.py", line 9, in pay\n'
        "    ^^^^^^\n"
        '  File "<frozen importlib._bootstrap>", line 3, in _load\n'
        "shop.Declined\n"
    )
    found = signature_of_text(JOB, text, roots=["/srv", "/srv/app", ""])
    assert (found.exception_type, found.frame) == ("shop.Declined", "shop.orders.pay")
    assert signature_of_text(JOB, text, roots=["/nowhere"]).frame == "__init__.pay"


@pytest.mark.parametrize(
    "text", ["", "\n", "The worker was lost.", "Traceback", "é: ü", "x" * 10**6]
)
def test_any_text_has_one(text: str) -> None:
    found = signature_of_text(JOB, text)
    assert isinstance(found, Signature)
    assert len(found.exception_type) <= 200
