"""``jobs_enqueue``: the CLI gives JSON, the type hints say what it means."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from django_jobs.exceptions import InvalidArguments
from django_jobs.models import Job
from django_jobs.states import Status
from tests import jobs
from tests.commands.conftest import Manage

pytestmark = pytest.mark.django_db


def test_it_prints_the_id_and_nothing_else(manage: Manage) -> None:
    outcome = manage("jobs_enqueue", "tests.add", "--params", '{"a": 1, "b": 2}')

    job = Job.objects.get()
    assert (outcome.code, outcome.out) == (0, f"{job.id}\n")
    assert (job.job_name, job.params, job.status) == ("tests.add", {"a": 1, "b": 2}, "pending")


def test_without_params_the_defaults_hold(manage: Manage) -> None:
    assert manage("jobs_enqueue", "tests.do_nothing").code == 0
    assert Job.objects.get().params == {}


def test_an_alias_is_a_name(manage: Manage) -> None:
    assert manage("jobs_enqueue", "tests.old_name").code == 0
    assert Job.objects.get().job_name == "tests.renamed"


def test_json_becomes_what_the_hints_say(manage: Manage) -> None:
    params = {"region": "CA", "since": "2026-01-02", "total": "1.50", "colours": ["red"]}

    manage("jobs_enqueue", "tests.report", "--params", json.dumps(params))

    by_hand = jobs.report.later("CA", date(2026, 1, 2), Decimal("1.50"), [jobs.Colour.RED])
    stored = Job.objects.exclude(pk=by_hand.pk).get()
    assert (stored.params, stored.queue) == (by_hand.params, "reports")
    assert jobs.report.schema.decode(stored.params)[1]["since"] == date(2026, 1, 2)


def test_every_kind_of_moment_and_key(manage: Manage) -> None:
    key = UUID(int=5)
    params = {
        "moment": "2026-01-02T03:04:05+00:00",
        "length": "P1DT00H00M00S",
        "key": str(key),
        "pair": [1, "x"],
    }

    manage("jobs_enqueue", "tests.describe_types", "--params", json.dumps(params))

    assert jobs.describe_types.schema.decode(Job.objects.get().params)[1] == {
        "moment": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "length": timedelta(days=1),
        "key": key,
        "pair": (1, "x"),
    }


@pytest.mark.parametrize(
    ("definition", "params"),
    [
        (jobs.add, {}),
        (jobs.add, {"c": 1}),
        (jobs.add, {"a": 1, "bb": 2}),
        (jobs.add, {"a": "1"}),
        (jobs.add, {"a": True}),
        (jobs.add, {"a": None}),
        (jobs.add, {"a": 1.5}),
        (jobs.do_nothing, {"x": 1}),
    ],
)
def test_wrong_arguments_are_refused_as_in_python(
    manage: Manage, definition: Any, params: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArguments) as refusal:
        definition.later(**params)

    outcome = manage("jobs_enqueue", definition.name, "--params", json.dumps(params))

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == str(refusal.value)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("since", "yesterday"),
        ("since", 20260102),
        ("total", "much"),
        ("total", "NaN"),
        ("colours", ["green"]),
        ("colours", "red"),
        ("region", None),
        ("region", "bad \x00 text"),
    ],
)
def test_a_text_that_its_type_cannot_read_names_the_field(
    manage: Manage, field: str, value: Any
) -> None:
    params = {"region": "CA", "since": "2026-01-02", "total": "1.50", "colours": []}

    outcome = manage(
        "jobs_enqueue", "tests.report", "--params", json.dumps(params | {field: value})
    )

    assert outcome.code == 2
    assert outcome.err.startswith(f"params.{field}")
    assert "stored job" not in outcome.err
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("{'value': 1}", "not JSON"),
        ('{"value": 1} trailing', "not JSON"),
        ("\ufeff{}", "not JSON"),
        ("[]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ('"text"', "must be a JSON object"),
        ('{"value": NaN}', "NaN is not a finite number"),
        ('{"value": -Infinity}', "-Infinity is not a finite number"),
        ('{"value": 1e400}', "1e400 is not a finite number"),
        ('{"value": 1, "value": 2}', "'value' is given twice"),
        ('{"value": {"x": 1, "x": 1}}', "'x' is given twice"),
        ('{"value": ' + "9" * 5000 + "}", "too many digits"),
        ('{"value": ' + "[" * 100_000 + "]" * 100_000 + "}", "deeper than"),
        ('{"value": ' + "[" * 60 + "]" * 60 + "}", "deeper than PAYLOAD_MAX_DEPTH"),
        ('{"value": "' + "x" * 300_000 + '"}', "PAYLOAD_MAX_BYTES"),
        ('{"value": "\\ud800"}', "surrogate"),
        ('{"value": "\\u0000"}', "NUL"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_json_is_read_strictly(manage: Manage, text: str, message: str) -> None:
    outcome = manage("jobs_enqueue", "tests.echo", "--params", text)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("params")
    assert message in outcome.err
    assert not Job.objects.exists()


def test_an_unknown_name_gets_the_closest_match(manage: Manage) -> None:
    outcome = manage("jobs_enqueue", "tests.ad")

    assert outcome.code == 2
    assert "'tests.ad'. Did you mean 'tests.add'?" in outcome.err


def test_only_registered_names_are_known(manage: Manage) -> None:
    assert manage("jobs_enqueue", "os.system", "--params", '{"command": "true"}').code == 2
    assert not Job.objects.exists()


def test_options_reach_the_row(manage: Manage) -> None:
    outcome = manage(
        *("jobs_enqueue", "tests.do_nothing", "--queue", "bulk", "--priority", "-3"),
        *("--unique-key", "only", "--tag", "one", "--tag", "two", "--json"),
    )

    job = Job.objects.get()
    assert (job.queue, job.priority, job.unique_key) == ("bulk", -3, "only")
    assert job.tags == ["one", "two"]
    assert outcome.document["id"] == str(job.id)
    assert outcome.document["was_already_enqueued"] is False


def test_a_delay_is_counted_from_now(manage: Manage) -> None:
    outcome = manage("jobs_enqueue", "tests.do_nothing", "--delay", "90m", "--json")

    ahead = Job.objects.get().scheduled_for - timezone.now()
    assert timedelta(minutes=89) < ahead < timedelta(minutes=91)
    assert outcome.document["status"] == Status.SCHEDULED


def test_a_time_with_a_zone_is_kept(manage: Manage) -> None:
    due = (timezone.now() + timedelta(days=2)).replace(microsecond=0)

    manage("jobs_enqueue", "tests.do_nothing", "--scheduled-for", due.isoformat())

    assert (Job.objects.get().scheduled_for, Job.objects.get().status) == (due, Status.SCHEDULED)


def test_a_unique_key_gives_the_job_that_holds_it(manage: Manage) -> None:
    first = manage("jobs_enqueue", "tests.do_nothing", "--unique-key", "only")
    second = manage("jobs_enqueue", "tests.do_nothing", "--unique-key", "only")
    third = manage("jobs_enqueue", "tests.do_nothing", "--unique-key", "only", "--json")

    assert (second.code, second.out) == (0, first.out)
    assert "nothing was enqueued" in second.err
    assert third.document["was_already_enqueued"] is True
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--queue", ""], "queue"),
        (["--queue", "a b"], "queue"),
        (["--queue", "../x"], "queue"),
        (["--queue", "Ｄefault"], "queue"),
        (["--delay", "5"], "--delay"),
        (["--delay=-5s"], "--delay"),
        (["--delay", "4000d"], "delay"),
        (["--priority", "high"], "--priority"),
        (["--priority", "99999999999"], "priority"),
        (["--scheduled-for", "tomorrow"], "--scheduled-for"),
        (["--scheduled-for", "2030-01-31"], "scheduled_for"),
        (["--scheduled-for", "9999-01-01T00:00:00+00:00"], "scheduled_for"),
        (["--scheduled-for", "2030-01-01T00:00:00+00:00", "--delay", "5s"], "delay"),
        (["--unique-key", ""], "unique_key"),
        (["--unique-key", "x" * 201], "unique_key"),
        (["--tag", ""], "tags"),
        (["--tag", "x"] * 21, "tags"),
        (["--colour", "red"], "--colour"),
    ],
)
def test_bad_options_are_named(manage: Manage, arguments: list[str], field: str) -> None:
    outcome = manage("jobs_enqueue", "tests.do_nothing", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert field in outcome.err
    assert not Job.objects.exists()
