"""A PostgreSQL server that restarts, vanishes, hangs, refuses, or is out of reach."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
import pytest
from django.db import connection, transaction

from django_jobs.exceptions import EnqueueUnavailable
from django_jobs.models import Job
from django_jobs.states import Status
from testproject.pgbouncer import pgbouncer
from tests.faults import jobs, servers
from tests.faults.proxy import Mode, Proxy
from tests.faults.servers import NAME, Cluster, using_database
from tests.faults.stage import RECOVERY, Stage, on_stage
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.only("postgresql")

#: Debian keeps it where only root looks.
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
#: Seconds of a fault that should outlast a lease.
LONGER_THAN_A_LEASE = 6.0


@contextmanager
def database_setting(cluster: Cluster, name: str, value: str) -> Iterator[None]:
    """Change a default of the database under test; connections that stand keep the old one."""
    cluster.administer(f"ALTER DATABASE {NAME} SET {name} = '{value}'")
    try:
        yield
    finally:
        cluster.administer(f"ALTER DATABASE {NAME} RESET {name}")


@pytest.mark.fault("F6")
def test_the_server_is_killed_and_restarted_again_and_again(
    stage: Stage, cluster: Cluster, chance: random.Random
) -> None:
    workers = [stage.worker("--name", name, "--queues", "default:5") for name in ("one", "two")]
    stage.enqueue(jobs.work, 100, seconds=0.1)
    stage.wait_for_starts(5)
    for _ in range(4):
        with cluster.away(chance.uniform(0.0, 1.5)):
            pass
        connection.close()
        stage.enqueue_through_faults(jobs.work, 20, every=chance.uniform(0.02, 0.1))
    stage.wait_until_done()
    assert [worker.exit_code for worker in workers] == [None, None]


@pytest.mark.fault("F7")
def test_the_server_is_away_for_longer_than_a_lease(stage: Stage, cluster: Cluster) -> None:
    stage.enqueue(jobs.gate, 2, opens=str(stage.gate()))
    worker = stage.worker("--queues", "default:5")
    stage.wait_for_starts(2)
    children = worker.children()
    with cluster.away(LONGER_THAN_A_LEASE):
        connection.close()
        with pytest.raises(EnqueueUnavailable):
            jobs.work.later()
        # Others could take its jobs when the lease is over: it must not go on with them.
        wait_until(lambda: not set(children) & set(worker.children()), 10, "the self-fence")
    stage.gate().touch()
    stage.enqueue(jobs.work, 5)
    stage.wait_until_done()
    assert worker.exit_code is None


@pytest.mark.fault("F8")
def test_every_connection_is_terminated_again_and_again(stage: Stage, cluster: Cluster) -> None:
    workers = [stage.worker("--name", name, "--queues", "default:5") for name in ("one", "two")]
    stage.enqueue(jobs.look, 100)
    stage.enqueue(jobs.work, 100, seconds=0.1)
    stage.wait_for_starts(5)
    for _ in range(8):
        cluster.terminate_others()
        time.sleep(0.7)
    stage.enqueue(jobs.work, 20)
    stage.wait_until_done()
    assert [worker.exit_code for worker in workers] == [None, None]


@pytest.mark.fault("F9")
def test_the_network_becomes_a_black_hole(stage: Stage, proxy: Proxy, proxied: str) -> None:
    """Sockets stay up, nothing answers: only a deadline of the worker's own helps."""
    stage.enqueue(jobs.gate, 2, opens=str(stage.gate()))
    worker = stage.worker("--name", "cut-off", "--queues", "default:2", url=proxied)
    stage.wait_for_starts(2)
    children = worker.children()
    proxy.mode = Mode.HOLE
    wait_until(lambda: not set(children) & set(worker.children()), 15, "the self-fence")
    stage.worker("--name", "heir", "--queues", "default:2")
    stage.wait_for_starts(4)
    stage.gate().touch()
    stage.wait_until_done()
    proxy.mode = Mode.PASS
    stage.enqueue(jobs.work, 20, seconds=0.2)
    wait_until(
        lambda: {one.pid for one in stage.traces()} & set(worker.children()), RECOVERY, "its return"
    )
    stage.wait_until_done()


@pytest.mark.fault("F10")
@pytest.mark.parametrize("how", ["reset", "slow", "half-closed", "lost answer"])
def test_a_bad_network(stage: Stage, proxy: Proxy, proxied: str, how: str) -> None:
    worker = stage.worker("--queues", "default:5", url=proxied)
    stage.enqueue(jobs.work, 30, seconds=0.05)
    stage.wait_for_starts()
    if how == "reset":
        for _ in range(6):
            proxy.reset()
            time.sleep(0.4)
    elif how == "slow":
        # Many round trips do not fit into a lease now; what it costs is speed, not truth.
        proxy.mode = Mode.SLOW
        before = _cpu_seconds(worker.members())
        time.sleep(5)
        assert _cpu_seconds(worker.members()) - before < 1.0, "a busy loop"
    elif how == "half-closed":
        proxy.mode = Mode.HALF_CLOSED
        time.sleep(2)
        proxy.mode = Mode.PASS
        proxy.reset()
    else:
        proxy.mode = Mode.LOSE_ANSWER
        wait_until(lambda: proxy.mode == Mode.PASS, 30, "an end that is written")
        wait_until(lambda: "its outcome is dropped" in worker.output, 30, "the second try")
    proxy.mode = Mode.PASS
    stage.enqueue(jobs.work, 10)
    stage.wait_until_done()


def _cpu_seconds(pids: list[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(one.user + one.system for one in times)


@pytest.mark.fault("F12")
@pytest.mark.skipif(PGBOUNCER is None, reason="needs PgBouncer: apt-get install pgbouncer")
def test_everything_goes_through_a_pooler(stage: Stage, cluster: Cluster) -> None:
    """Two connections for all, none of which keeps anything from one transaction to the next."""
    environment = {"TRANSACTION_POOLER": "1"}
    with pgbouncer(cluster.url_of(NAME)) as url:
        for name in ("one", "two"):
            queues = ("--queues", "default:4,children:1")
            stage.worker("--name", name, *queues, url=url, environment=environment)
        stage.enqueue(jobs.work, 200, seconds=0.01)
        stage.enqueue(jobs.exactly, 10)
        os.kill(stage.wait_for_starts(20)[0].pid, signal.SIGKILL)
        stage.enqueue(jobs.work, 50)
        stage.wait_until_done()
        stage.stop_workers()


@pytest.mark.fault("F13")
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_the_disk_is_full(tmp_path: Path) -> None:
    with servers.small_disk(megabytes=200) as room:
        cluster = Cluster(room / "data", ("max_wal_size=64MB", "min_wal_size=32MB"))
        with cluster.serving(), using_database(cluster.url_of(NAME)):
            servers.build_tables()
            with on_stage(cluster.url_of(NAME), tmp_path) as stage:
                _fill_the_disk(stage, room)


def _fill_the_disk(stage: Stage, room: Path) -> None:
    stage.worker("--queues", "default:5")
    stage.enqueue(jobs.work, 10)
    stage.wait_until_done()
    filler = room / "filler"
    with pytest.raises(OSError, match="No space"):
        _write_without_end(filler)
    with pytest.raises(EnqueueUnavailable):
        _enqueue_much()
    connection.close()
    Job.objects.exists()  # reading goes on
    filler.unlink()
    wait_until(lambda: _takes_jobs(stage), 30, "a database that writes again")
    # What was let in before the disk was full is not on our list, and done all the same.
    stage.wait_until_done()


def _write_without_end(file: Path) -> None:
    with file.open("wb", buffering=0) as stream:
        while True:
            stream.write(b"x" * 1_000_000)


def _enqueue_much() -> None:
    for _ in range(50):
        jobs.work.later_many([{"secret": os.urandom(25_000).hex()}] * 20)


def _takes_jobs(stage: Stage) -> bool:
    try:
        stage.enqueue(jobs.work, 5)
    except EnqueueUnavailable:
        connection.close()
        return False
    return True


@pytest.mark.fault("F14")
def test_the_server_is_read_only_for_a_while(stage: Stage, cluster: Cluster) -> None:
    """As after a failover to a standby: outcomes wait, they are not turned into failures."""
    worker = stage.worker("--queues", "default:5")
    stage.enqueue(jobs.work, 20, seconds=0.3)
    stage.wait_for_starts(3)
    with database_setting(cluster, "default_transaction_read_only", "on"):
        cluster.terminate_others()
        connection.close()
        with pytest.raises(EnqueueUnavailable):
            jobs.work.later()
        time.sleep(LONGER_THAN_A_LEASE)
    cluster.terminate_others()
    connection.close()
    stage.wait_until_done()
    assert Job.objects.completed().count() == 20
    assert worker.exit_code is None


@pytest.mark.fault("F15")
def test_the_table_is_locked_and_statements_time_out(stage: Stage, cluster: Cluster) -> None:
    worker = stage.worker("--queues", "default:5")
    stage.enqueue(jobs.work, 40, seconds=0.1)
    stage.wait_for_starts(3)
    with database_setting(cluster, "statement_timeout", "200ms"):
        cluster.terminate_others()
        with _another(cluster) as other, other.transaction():
            other.execute("SET LOCAL statement_timeout = 0")
            other.execute("LOCK TABLE django_jobs_job IN ACCESS EXCLUSIVE MODE")
            time.sleep(LONGER_THAN_A_LEASE)
        stage.wait_until_done()
    cluster.terminate_others()
    assert worker.exit_code is None


@contextmanager
def _another(cluster: Cluster) -> Iterator[psycopg.Connection]:
    address = f"host={cluster.folder} user=postgres dbname={NAME}"
    with psycopg.connect(address, autocommit=True) as other:
        yield other


@pytest.mark.fault("F16")
def test_transactions_that_wait_are_ended_by_the_server(stage: Stage, cluster: Cluster) -> None:
    """An atomic job whose transaction stands idle for too long fails, and says why."""
    stage.jobs_raise = True
    with database_setting(cluster, "idle_in_transaction_session_timeout", "500ms"):
        (job,) = stage.enqueue(jobs.exactly.using(max_attempts=1), opens=str(stage.gate()))
        worker = stage.worker("--queues", "default:2,children:2")
        stage.wait_for_starts()
        time.sleep(1.0)
        stage.gate().touch()
        stage.wait_until_done()
    job.refresh_from_db()
    assert job.status == Status.FAILED
    assert "idle-in-transaction" in job.error or "OperationalError" in job.error
    stage.enqueue(jobs.exactly, 3)
    stage.wait_until_done()
    assert worker.exit_code is None


@pytest.mark.fault("F17")
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_site_with_strict_isolation(stage: Stage, cluster: Cluster, level: str) -> None:
    with database_setting(cluster, "default_transaction_isolation", level):
        connection.close()
        stage.enqueue(jobs.work, 100, seconds=0.01)
        for name in ("one", "two", "three"):
            stage.worker("--name", name, "--queues", "default:5")
        stage.wait_until_done()
    connection.close()


@pytest.mark.fault("F18")
def test_more_workers_than_the_server_takes(tmp_path: Path) -> None:
    cluster = Cluster(settings=("max_connections=12", "superuser_reserved_connections=2"))
    with cluster.serving():
        cluster.administer("CREATE ROLE site LOGIN", f"ALTER DATABASE {NAME} OWNER TO site")
        url = cluster.url_of(NAME).replace("postgres@", "site@", 1)
        with using_database(url):
            servers.build_tables()
            with on_stage(url, tmp_path) as stage:
                _crowd(stage)


def _crowd(stage: Stage) -> None:
    stage.enqueue(jobs.work, 60, seconds=0.05)
    workers = [
        stage.worker("--name", f"worker-{n}", "--queues", "default:1", "--no-services")
        for n in range(5)
    ]
    workers.append(stage.worker("--name", "serving", "--queues", "default:1"))
    stage.wait_until_done(90)
    assert [one.exit_code for one in workers] == [None] * 6, "an exit storm"
    said = "".join(one.output for one in workers)
    assert "too many clients" in said or "connection slots are reserved" in said, said


@pytest.mark.fault("F42")
def test_the_caller_rolls_back(stage: Stage) -> None:
    """No job is ever claimed before its commit, none is there after a rollback."""
    stage.worker("--queues", "default:5")
    stage.enqueue(jobs.work)
    stage.wait_for_starts()
    for is_kept in [True, False] * 10:
        # Left after a failure of the view, and no job of it is acknowledged.
        with ThreadPoolExecutor(1) as elsewhere, suppress(ViewFails), transaction.atomic():
            outer = jobs.work.later()
            with transaction.atomic():
                inner = jobs.work.later()
                transaction.set_rollback(True)
            # Born later, committed earlier: when it runs, both have had their chance.
            witness = elsewhere.submit(_enqueue_one).result(30)
            stage.acknowledged.append(witness)
            wait_until(lambda: witness in _begun(stage), 30, "the witness")  # noqa: B023
            assert not {outer.pk, inner.pk} & _begun(stage)
            if not is_kept:
                raise ViewFails
            stage.acknowledged.append(outer.pk)
    stage.wait_until_done()
    assert Job.objects.count() == 31


def _enqueue_one() -> UUID:
    """In a thread with a connection of its own."""
    try:
        return jobs.work.later().pk
    finally:
        connection.close()


def _begun(stage: Stage) -> set[UUID]:
    return {one.job_id for one in stage.traces("start")}


class ViewFails(Exception):
    """As in a request of a site with ``ATOMIC_REQUESTS``."""
