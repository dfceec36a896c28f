"""Run the suite on every database, each in a ``pytest`` process of its own.

The process that was asked for only supervises: it prepares a database, starts ``pytest`` with
``DATABASE_URL`` and the same arguments, and sums up. Settings are read once per process, so one
process cannot serve two databases.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from testproject.mariadb import mariadb
from testproject.pgbouncer import pgbouncer
from testproject.postgres import postgres
from tests.harness.environment import DIRECT_URL_VARIABLE

#: What a run without ``--database`` tries, and what more may be asked for.
DATABASES = ("sqlite", "postgres")
CHOICES = (*DATABASES, "mariadb", "pgbouncer")

#: Set in the supervised processes: the file that takes their counts.
COUNTS_VARIABLE = "RUNJOBS_TESTS_COUNTS"

#: Set in the second run on: what needs no database was tried in the first.
DATABASE_ONLY_VARIABLE = "RUNJOBS_TESTS_DATABASE_ONLY"

#: One seed for all processes of a run: they name tests after sets, and must agree on the names.
HASH_SEED = os.environ.get("PYTHONHASHSEED") or str(random.randrange(2**32))

#: The outcomes of pytest's reports, as the words of the last line.
WORDS = {
    "passed": "passed",
    "failed": "failed",
    "error": "failed",
    "xpassed": "failed",
    "skipped": "skipped",
    "xfailed": "skipped",
}

#: Seconds that an interrupted run gets to stop its workers.
FAREWELL = 20


def supervised_databases(config: pytest.Config) -> tuple[str, ...]:
    """The databases to start a process for; none, if this process shall run the tests itself."""
    option = config.option
    listing = option.help or option.version or option.collectonly or option.markers
    if COUNTS_VARIABLE in os.environ or listing or option.showfixtures:
        return ()
    if option.database:
        return (option.database,)
    return () if "DATABASE_URL" in os.environ else DATABASES


def run_on(databases: Iterable[str], config: pytest.Config) -> int:
    """Run ``pytest`` on each database and return the worst exit code."""
    # Shells start background jobs with SIGINT ignored, and the runs would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    codes: list[int] = []
    counts: Counter[str] = Counter()
    for database in databases:
        print(f"\n===== {database}, PYTHONHASHSEED={HASH_SEED} =====", flush=True)
        code, counted = run_pytest(database, config, database_only=bool(codes))
        codes.append(code)
        counts += counted
        if code == pytest.ExitCode.INTERRUPTED:
            break
    print("\n{passed} passed, {failed} failed, {skipped} skipped".format_map(with_zeros(counts)))
    return worst(codes)


def worst(codes: Iterable[int]) -> int:
    """The exit code that tells most; "no tests collected" only if no process found any."""
    meaningful = [code for code in codes if code != pytest.ExitCode.NO_TESTS_COLLECTED]
    return max(meaningful, default=int(pytest.ExitCode.NO_TESTS_COLLECTED))


def with_zeros(counts: Counter[str]) -> dict[str, int]:
    return {word: counts[word] for word in ("passed", "failed", "skipped")}


@contextmanager
def prepared(database: str) -> Iterator[dict[str, str]]:
    """Yield the environment that leads to a database, which lives as long as the block."""
    if database == "postgres":
        with postgres() as url:
            yield {"DATABASE_URL": url}
    elif database == "pgbouncer":
        with postgres() as direct, pgbouncer(direct) as url:
            yield {
                "DATABASE_URL": url,
                DIRECT_URL_VARIABLE: direct,
                "TRANSACTION_POOLER": "1",
            }
    elif database == "mariadb":
        with mariadb() as url:
            yield {"DATABASE_URL": url}
    else:
        with tempfile.TemporaryDirectory(prefix="runjobs-tests-") as folder:
            yield {"DATABASE_URL": f"sqlite:///{Path(folder) / 'jobs.sqlite3'}"}


def run_pytest(
    database: str, config: pytest.Config, *, database_only: bool
) -> tuple[int, Counter[str]]:
    """Run ``pytest`` as asked for on one database; return its exit code and counts."""
    arguments = [*parallel(config), *config.invocation_params.args]
    if database == "pgbouncer":
        # The pooler keeps connections, which a test database can't be dropped from under.
        arguments.insert(0, "--reuse-db")
    with prepared(database) as variables, tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=config.invocation_params.dir,
            env={
                **os.environ,
                **variables,
                "PYTHONHASHSEED": HASH_SEED,
                COUNTS_VARIABLE: file.name,
                **({DATABASE_ONLY_VARIABLE: "1"} if database_only else {}),
            },
        )
        try:
            code = process.wait()
        except BaseException:
            see_off(process)
            raise
        finally:
            end_leftovers(file.name)
        text = file.read()
    # A negative code is the signal that killed the process.
    return (code if code >= 0 else 128 - code), Counter(json.loads(text) if text else {})


def parallel(config: pytest.Config) -> list[str]:
    """Three processes for the whole suite, for many tests wait for others; one for a file."""
    named = any(
        Path(argument.split("::")[0]).exists() for argument in config.invocation_params.args
    )
    chosen = config.option.numprocesses is not None or config.option.usepdb
    return (
        []
        if named or chosen or config.option.capture == "no"
        else ["-n", "3", "--dist", "worksteal"]
    )


def see_off(process: subprocess.Popen[bytes]) -> None:
    """Let an interrupted run end its tests' worker processes before it goes."""
    for farewell in (None, signal.SIGINT, signal.SIGKILL):
        if farewell is not None:
            process.send_signal(farewell)
        try:
            process.wait(2 if farewell is None else FAREWELL)
        except subprocess.TimeoutExpired:
            continue
        return


def end_leftovers(counts_file: str) -> None:
    """Kill what a killed run left behind: the processes that still bear its name."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(COUNTS_VARIABLE) == counts_file:
                process.kill()


def deselect_what_was_tried(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the second run on, keep the tests that use the database."""
    if DATABASE_ONLY_VARIABLE not in os.environ:
        return
    tried = [item for item in items if not uses_database(item)]
    config.hook.pytest_deselected(items=tried)
    items[:] = [item for item in items if uses_database(item)]


def uses_database(item: pytest.Item) -> bool:
    """Whether a test could end differently on another database."""
    fixtures = set(getattr(item, "fixturenames", ()))
    marked = item.get_closest_marker("django_db") or "faults" in item.path.parts
    return bool(marked or fixtures & {"db", "transactional_db"})


def report_counts(stats: dict[str, list[object]]) -> None:
    """Leave the counts of this process for its supervisor."""
    if file := os.environ.get(COUNTS_VARIABLE):
        counts: Counter[str] = Counter()
        for outcome, word in WORDS.items():
            counts[word] += len(stats.get(outcome, ()))
        Path(file).write_text(json.dumps(counts))
