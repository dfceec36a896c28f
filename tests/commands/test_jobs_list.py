"""``jobs_list``: the newest jobs, safe to look at."""

from __future__ import annotations

import pytest

from django_jobs.states import Status
from tests.commands.conftest import Manage
from tests.factories import JobFactory

pytestmark = pytest.mark.usefixtures("any_status")


def test_an_empty_table_is_no_error(manage: Manage) -> None:
    assert manage("jobs_list").out == "No jobs match.\n"
    assert manage("jobs_list", "--json").document == {"jobs": []}


def test_the_newest_come_first(manage: Manage) -> None:
    created = [str(JobFactory().pk) for _ in range(3)]

    listed = [job["id"] for job in manage("jobs_list", "--json").document["jobs"]]
    lines = manage("jobs_list").out.splitlines()

    assert listed == created[::-1]
    assert lines[0].split() == [
        *("id", "job", "queue", "status", "attempts", "progress", "created")
    ]
    assert [line.split()[0] for line in lines[1:]] == listed


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--status", "failed"], {"failed"}),
        (["--status", "failed", "--status", "completed"], {"failed", "mail"}),
        (["--queue", "mails"], {"mail"}),
        (["--name", "tests.other"], {"other"}),
        (["--queue", "mails", "--status", "failed"], set()),
        (["--name", "nothing.like.it"], set()),
    ],
)
def test_filters_narrow_it_down(manage: Manage, arguments: list[str], found: set[str]) -> None:
    JobFactory(status=Status.FAILED, correlation_id="failed")
    JobFactory(status=Status.COMPLETED, queue="mails", correlation_id="mail")
    JobFactory(job_name="tests.other", correlation_id="other")

    document = manage("jobs_list", *arguments, "--json").document

    assert {job["correlation_id"] for job in document["jobs"]} == found


def test_a_limit_is_clamped(manage: Manage) -> None:
    JobFactory.create_batch(3)

    assert len(manage("jobs_list", "--limit", "2", "--json").document["jobs"]) == 2
    assert len(manage("jobs_list", "--limit", "1000000000", "--json").document["jobs"]) == 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--limit", "0"], "argument --limit: '0' is not a whole number from 1"),
        (["--limit", "-1"], "argument --limit"),
        (["--limit", "abc"], "argument --limit"),
        (["--limit", "1.5"], "argument --limit"),
        (["--status", "foo"], "argument --status: invalid choice: 'foo' (choose from"),
        (["--queue", "a b"], "argument --queue: queue: 3 to 50 letters"),
    ],
)
def test_bad_filters_are_named_with_what_is_allowed(
    manage: Manage, arguments: list[str], complaint: str
) -> None:
    outcome = manage("jobs_list", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_stored_text_cannot_talk_to_the_terminal(manage: Manage, form: list[str]) -> None:
    JobFactory(job_name="red\x1b[31m\u202e\r\n", error="\x1b]0;title\x07", status=Status.FAILED)

    text = manage("jobs_list", *form).out

    assert not {"\x1b", "\u202e", "\r", "\x07"} & set(text)
    assert "red" in text


def test_arguments_and_results_are_not_shown(manage: Manage) -> None:
    JobFactory(params={"password": "secret"}, result="secret", status=Status.COMPLETED)

    assert "secret" not in manage("jobs_list", "--json").out
