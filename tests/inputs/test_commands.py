"""``jobs_…``: bad arguments end a command with exit code 2 and change nothing."""

from __future__ import annotations

from uuid import UUID

import pytest

from django_jobs.models import Job, Queue
from tests.commands.conftest import Manage
from tests.factories import JobFactory, failed_job
from tests.scenes import fresh

pytestmark = pytest.mark.django_db

#: What a shell passes on when a word is not UTF-8.
BYTES = "\udcff\udcfe"
SECRET = "CANARY"
SOME_ID = str(UUID(int=7))

BAD = [
    # jobs_enqueue
    ("D1 unknown job", "jobs_enqueue", ["tests.ad"], "Did you mean 'tests.add'?"),
    ("D3 path", "jobs_enqueue", ["os.system"], "No job is registered as 'os.system'"),
    ("bytes as job", "jobs_enqueue", [BYTES], "No job is registered as '\\udcff\\udcfe'"),
    ("look-alike", "jobs_enqueue", ["tests.аdd"], "No job is registered"),
    ("no JSON", "jobs_enqueue", ["tests.add", "--params", f"{{a: {SECRET}}}"], "params: not JSON"),
    ("list", "jobs_enqueue", ["tests.add", "--params", f'["{SECRET}"]'], "must be a JSON object"),
    ("twice", "jobs_enqueue", ["tests.add", "--params", '{"a":1,"a":2}'], "'a' is given twice"),
    ("NaN", "jobs_enqueue", ["tests.add", "--params", '{"a":NaN}'], "not a finite number"),
    ("huge", "jobs_enqueue", ["tests.add", "--params", '{"a":1e999}'], "not a finite number"),
    ("digits", "jobs_enqueue", ["tests.add", "--params", f'{{"a":{"9" * 9999}}}'], "many digits"),
    ("deep", "jobs_enqueue", ["tests.echo", "--params", '{"value":' + "[" * 10**5], "nests deeper"),
    ("BOM", "jobs_enqueue", ["tests.add", "--params", '\ufeff{"a":1}'], "params: not JSON"),
    ("rest", "jobs_enqueue", ["tests.add", "--params", '{"a":1} x'], "params: not JSON"),
    ("empty", "jobs_enqueue", ["tests.add", "--params", ""], "params: not JSON"),
    ("bytes", "jobs_enqueue", ["tests.echo", "--params", f'{{"value":"{BYTES}"}}'], "surrogate"),
    ("D22 priority", "jobs_enqueue", ["tests.add", "--priority", "high"], "is not a whole number"),
    ("D22 digits", "jobs_enqueue", ["tests.add", "--priority", "٣"], "is not a whole number"),
    ("D22 1_0", "jobs_enqueue", ["tests.add", "--priority", "1_0"], "is not a whole number"),
    ("D22 range", "jobs_enqueue", ["tests.add", "--priority", "2147483648"], "from -2147483648"),
    ("D23 queue", "jobs_enqueue", ["tests.add", "--queue", "a b"], "queue: 3 to 50 letters"),
    ("D19 delay", "jobs_enqueue", ["tests.add", "--delay", "-5s"], "--delay"),
    ("D19 no unit", "jobs_enqueue", ["tests.add", "--delay", "5"], "number with a unit"),
    ("D19 huge", "jobs_enqueue", ["tests.add", "--delay", "999999999d"], "at most 36500d"),
    ("D17 naive", "jobs_enqueue", ["tests.add", "--scheduled-for", "2030-01-01"], "no time zone"),
    ("D18 word", "jobs_enqueue", ["tests.add", "--scheduled-for", "tomorrow"], "ISO 8601"),
    ("D28 bytes", "jobs_enqueue", ["tests.add", "--unique-key", BYTES], "unique_key"),
    ("D28 empty", "jobs_enqueue", ["tests.add", "--unique-key", ""], "unique_key: a text of 1"),
    ("bytes as tag", "jobs_enqueue", ["tests.add", "--tag", BYTES], "tags"),
    ("two names", "jobs_enqueue", ["tests.add", "tests.echo"], "unrecognized arguments"),
    # jobs_list
    ("limit", "jobs_list", ["--limit", "1000000001"], "from 1 to 1000000000"),
    ("limit digits", "jobs_list", ["--limit", "٣"], "from 1 to 1000000000"),
    ("name bytes", "jobs_list", ["--name", BYTES], "argument --name: A job name is 1 to 200"),
    ("name wildcard", "jobs_list", ["--name", "tests.%"], "argument --name"),
    ("name SQL", "jobs_list", ["--name", "x' OR '1'='1"], "argument --name"),
    ("name empty", "jobs_list", ["--name", ""], "argument --name"),
    ("queue bytes", "jobs_list", ["--queue", BYTES], "argument --queue"),
    ("status case", "jobs_list", ["--status", "FAILED"], "invalid choice: 'FAILED'"),
    # Operations
    ("D110 ids", "jobs_retry", ["1", "2", "x"], "argument ID"),
    ("D110 nothing", "jobs_discard", [], "Give ids of jobs, or filters"),
    ("D110 no --yes", "jobs_discard", ["--status", "failed"], "--yes: needed with filters"),
    ("negative id", "jobs_cancel", ["-1"], "'-1' is not the id of a job"),
    ("long id", "jobs_cancel", ["9" * 10**5], "is not the id of a job"),
    ("id and filter", "jobs_retry", [SOME_ID, "--status", "failed"], "ids or filters, not both"),
    ("wildcard", "jobs_discard", ["--name", "%", "--yes"], "argument --name"),
    ("pause wildcard", "jobs_pause", ["*"], "argument QUEUE: queue: 3 to 50 letters"),
    ("pause one bad", "jobs_pause", ["good-one", "a b"], "argument QUEUE"),
    ("pause nothing", "jobs_pause", [], "the following arguments are required: QUEUE"),
    ("pause bytes", "jobs_pause", [BYTES], "argument QUEUE"),
    # jobs_cleanup
    ("age", "jobs_cleanup", ["--older-than", "30"], "number with a unit"),
    ("negative age", "jobs_cleanup", ["--older-than=-1d"], "number with a unit"),
    ("digits of age", "jobs_cleanup", ["--older-than", "٣d"], "number with a unit"),
    ("live status", "jobs_cleanup", ["--status", "running"], "invalid choice: 'running'"),
    ("batch", "jobs_cleanup", ["--batch-size", "0"], "an integer from 1 to 100000"),
    ("batches", "jobs_cleanup", ["--max-batches", "-1"], "from 1 to 1000000000"),
    # Others
    ("stats", "jobs_stats", ["--queue", "%"], "argument --queue"),
    ("doctor", "jobs_doctor", ["please"], "unrecognized arguments: please"),
]


@pytest.mark.parametrize(
    ("command", "arguments", "complaint"), [pytest.param(*case, id=name) for name, *case in BAD]
)
def test_bad_arguments(manage: Manage, command: str, arguments: list[str], complaint: str) -> None:
    letter = failed_job()

    outcome = manage(command, *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err
    assert SECRET not in outcome.err
    assert len(outcome.err) < 2500
    assert [(job.pk, job.status) for job in Job.objects.all()] == [(letter.pk, "failed")]
    assert not Queue.objects.exists()


def test_a_reason_that_is_no_text_is_kept_readable(manage: Manage) -> None:
    job = JobFactory()

    outcome = manage("jobs_cancel", str(job.pk), "--reason", BYTES)

    assert outcome.code == 0, outcome.err
    assert fresh(job).transitions.get().reason == "\\udcff\\udcfe"


@pytest.mark.parametrize("form", ["{}", "urn:uuid:{}", "{{{}}}"])
def test_ids_may_be_written_as_uuids_are(manage: Manage, form: str) -> None:
    job = JobFactory()
    assert manage("jobs_cancel", form.format(job.pk)).code == 0
