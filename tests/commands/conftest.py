"""Commands as a shell would run them, but inside the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import CommandError, load_command_class

from django_jobs import conf


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Manage = Callable[..., Outcome]


@pytest.fixture
def manage(capsys: pytest.CaptureFixture[str]) -> Manage:
    """Run ``manage.py NAME ARGUMENTS``: ``manage("jobs_list", "--limit", "5")``.

    Like ``run_from_argv()``, but without closing the connections, which the test still needs.
    """

    def run(name: str, *arguments: str) -> Outcome:
        capsys.readouterr()
        code, complaint = execute(name, arguments)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err + complaint)

    return run


def execute(name: str, arguments: tuple[str, ...]) -> tuple[int, str]:
    command = load_command_class("django_jobs", name)
    vars(command)["_called_from_command_line"] = True
    try:
        options = vars(command.create_parser("manage.py", name).parse_args(arguments))
        command.execute(*options.pop("args", ()), **options)
    except CommandError as error:
        return error.returncode, str(error)
    except SystemExit as end:
        return int(end.code or 0), ""
    return 0, ""


@pytest.fixture(autouse=True)
def _without_overrides() -> Iterator[None]:
    """A worker's options hold for its process, which here is that of all tests."""
    yield
    conf.clear_overrides()
