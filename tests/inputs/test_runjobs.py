"""``runjobs``: bad options end it with exit code 2 before it does anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from django_jobs.conf import config
from django_jobs.models import Worker
from tests.commands.conftest import Manage
from tests.inputs.sites import Site

# From Django 6.1 on, its own checks ask the database before a command begins.
pytestmark = pytest.mark.django_db

NUMBERS = {"--queues": "D101", "--concurrency": "D102", "--lease": "D103"}


def numbered(value: object) -> str:
    if not isinstance(value, list):
        return ""
    return f"{NUMBERS.get(value[0], '')} {ascii(' '.join(value))[1:40]}".strip()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--queues", ""], "argument --queues: queues: none is named"),
        (["--queues", "aaa,,bbb"], "argument --queues: queues: an entry is empty"),
        (["--queues", "aaa,"], "argument --queues: queues: an entry is empty"),
        (["--queues", "a b"], "argument --queues: queue: 3 to 50 letters"),
        (["--queues", "../x"], "argument --queues: queue: 3 to 50 letters"),
        (["--queues", "*"], "argument --queues: queue: 3 to 50 letters"),
        (["--queues", "aaa:0"], "from 1 to 1000"),
        (["--queues", "aaa:x"], "from 1 to 1000"),
        (["--queues", "aaa:2,aaa:3"], "named twice"),
        (["--concurrency", "0"], "argument --concurrency: 0 is not allowed"),
        (["--concurrency", "-1"], "argument --concurrency"),
        (["--concurrency", "10000"], "an integer from 1 to 1000"),
        (["--concurrency", "1.5"], "argument --concurrency: '1.5' is not allowed"),
        (["--concurrency", "many"], "argument --concurrency"),
        (["--processes", "0"], "argument --processes: 0 is not allowed"),
        (["--processes", "1000"], "an integer from 1 to 256"),
        (["--poll-interval", "nan"], "argument --poll-interval: nan is not allowed"),
        (["--poll-interval", "inf"], "a number of seconds from 0.01 to 3600"),
        (["--poll-interval", "0"], "argument --poll-interval"),
        (["--poll-interval", "5m"], "argument --poll-interval"),
        (["--grace", "-1"], "argument --grace"),
        (["--lease", "nan"], "argument --lease: nan is not allowed"),
        (["--lease", "inf"], "a number of seconds from 1 to 86400"),
        (["--lease", "0.5"], "a number of seconds from 1 to 86400"),
        (["--lease", "0"], "argument --lease"),
        (["--lease", "-5"], "argument --lease"),
        (["--lease", "1m"], "argument --lease"),
        (["--max-jobs", "0"], "argument --max-jobs: 0 is not allowed"),
        (["--max-jobs", "-1"], "an integer from 1 to 1000000000"),
        (["--max-jobs", "1.5"], "argument --max-jobs"),
        (["--max-rss", "lots"], "such as 300M or 2G"),
        (["--max-rss", "3"], "argument --max-rss: 3 is not allowed"),
        (["--max-rss", "-1M"], "argument --max-rss"),
        (["--max-rss", "1.5G"], "argument --max-rss"),
        (["--max-rss", "٣M"], "argument --max-rss"),
        (["--max-rss", "9" * 19 + "G"], "argument --max-rss"),
        (["--queues", "dеfault"], "argument --queues: queue: 3 to 50 letters"),
        (["--queues", "default:٣"], "from 1 to 1000"),
        (["--queues", "default:1e1"], "from 1 to 1000"),
        (["--queues", "default:-0"], "from 1 to 1000"),
        (["--queues", "aaa\nbbb"], "argument --queues: queue: 3 to 50 letters"),
        (["--queues", "a" * 10**6], "argument --queues: queue: 3 to 50 letters"),
        (["--queues", "default,\udcff"], "argument --queues: queue: 3 to 50 letters"),
        (["--queues"], "argument --queues: expected one argument"),
        (["--concurrency", "1_0"], "argument --concurrency: '1_0' is not allowed"),
        (["--concurrency", "٣"], "an integer from 1 to 1000"),
        (["--concurrency", "0x10"], "an integer from 1 to 1000"),
        (["--concurrency", "9" * 5000], "an integer from 1 to 1000"),
        (["--concurrency", "True"], "an integer from 1 to 1000"),
        (["--grace", "1_0"], "argument --grace: '1_0' is not allowed"),
        (["--grace", "1e400"], "argument --grace: inf is not allowed"),
        (["--name", "\udcff\udcff\udcff"], "--name: worker: 3 to 50 letters"),
        (["--name", "nаme"], "--name: worker: 3 to 50 letters"),
        (["default"], "unrecognized arguments: default"),
        (["--name", "x y"], "--name: worker: 3 to 50 letters"),
        (["--name", ""], "--name: worker: 3 to 50 letters"),
        (["--name", "x" * 51], "--name: worker: 3 to 50 letters"),
        (["--once", "--drain"], "--once, --drain: give one of them"),
        (["--colour"], "--colour"),
    ],
    ids=numbered,
)
def test_bad_options_are_named_with_what_is_allowed(
    manage: Manage, arguments: list[str], complaint: str
) -> None:
    outcome = manage("runjobs", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err
    assert len(outcome.err) < 5000
    assert not Worker.objects.exists()


def test_d101_a_strict_configuration_names_the_queues(manage: Manage, settings: Any) -> None:
    settings.DJANGO_JOBS = {"STRICT_QUEUES": True, "QUEUES": {"default": 2, "mails": 1}}

    outcome = manage("runjobs", "--queues", "mails,bulk")

    assert outcome.code == 2
    assert "--queues: bulk: not among the configured queues: default, mails." in outcome.err


def test_what_a_worker_serves_is_not_what_its_jobs_may_enqueue_to(
    manage: Manage, settings: Any
) -> None:
    settings.DJANGO_JOBS = {"STRICT_QUEUES": True, "QUEUES": {"default": 2, "mails": 1}}

    manage("runjobs", "--queues", "mails", "--healthcheck")

    assert dict(config.QUEUES) == {"default": 2, "mails": 1}


def test_d103_a_lease_that_does_not_go_with_the_heartbeat(manage: Manage, settings: Any) -> None:
    settings.DJANGO_JOBS = {"HEARTBEAT": 5}

    outcome = manage("runjobs", "--lease", "10")

    assert outcome.code == 2
    assert "HEARTBEAT (settings.DJANGO_JOBS['HEARTBEAT']): 5 s is not below a third" in outcome.err
    assert config.LEASE == 60


def test_d103_a_good_lease_is_above_the_setting(manage: Manage, settings: Any) -> None:
    settings.DJANGO_JOBS = {"LEASE": 42}

    outcome = manage("runjobs", "--lease", "15", "--show-config")

    assert outcome.code == 0
    assert "15.0" in next(line for line in outcome.out.splitlines() if line.startswith("LEASE "))


# Sites that are broken: real processes


@pytest.fixture
def site(tmp_path: Path, transactional_db: None) -> Site:
    return Site(tmp_path)


def test_d111_a_jobs_module_that_does_not_import_keeps_the_worker_from_starting(site: Site) -> None:
    site.write("jobs.py", "from __future__ import annotations\n\nimport no_such_module\n")

    done = site.manage("runjobs", "--once")

    assert done.returncode != 0
    assert "shop/jobs.py" in done.stderr
    assert "line 3" in done.stderr
    assert "No module named 'no_such_module'" in done.stderr
    assert not Worker.objects.exists()


@pytest.mark.parametrize("command", ["runjobs", "check"])
def test_d97_two_jobs_of_one_name_end_every_command_with_both_places(
    site: Site, command: str
) -> None:
    site.write(
        "jobs.py",
        "from django_jobs import job\n"
        "@job(name='shop.report')\ndef first() -> None: ...\n"
        "@job(name='shop.other', aliases=['shop.report'])\ndef second() -> None: ...\n",
    )

    done = site.manage(command)

    assert done.returncode != 0
    assert (
        "'shop.report' is taken by shop.jobs.first; shop.jobs.second needs another" in done.stderr
    )


def test_d107_without_jobs_it_warns_and_goes_on(site: Site) -> None:
    done = site.manage("runjobs", "--once")

    assert done.returncode == 0, done.stderr
    assert "No job of yours is registered" in done.stderr
    assert "INSTALLED_APPS" in done.stderr
