"""``manage.py runjobs``: a worker."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections, router
from django.db.migrations.executor import MigrationExecutor

from django_jobs import conf
from django_jobs.conf import config
from django_jobs.exceptions import InvalidConfiguration, InvalidOption
from django_jobs.management.tables import print_table
from django_jobs.models import Job
from django_jobs.names import check_worker_name
from django_jobs.registry import registry
from django_jobs.runtime.health import is_healthy
from django_jobs.runtime.options import Mode, WorkerOptions, default_name, default_queues
from django_jobs.runtime.supervisor import Supervisor
from django_jobs.services.sync import sync_schedules


class Command(BaseCommand):
    """Claim jobs and run them."""

    help = "Run a worker: claims jobs from the database and runs them until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of the command line; they go above settings and environment."""
        parser.add_argument(
            "--queues",
            metavar="NAME:N,…",
            help="queues with the jobs each process runs at a time, e.g. critical:5,default:10; "
            "every queue that a registered job names, if omitted",
        )
        parser.add_argument(
            "--concurrency", type=int, metavar="N", help="for queues given without a number"
        )
        parser.add_argument("--processes", type=int, metavar="N", help="worker processes (1)")
        parser.add_argument("--name", default=None, help="name of the worker (the host's)")
        parser.add_argument("--once", action="store_true", help="one claim, its jobs, and exit")
        parser.add_argument("--drain", action="store_true", help="exit when nothing is due")
        parser.add_argument("--poll-interval", type=float, metavar="S", help="seconds (1)")
        parser.add_argument("--grace", type=float, metavar="S", help="seconds to finish in (30)")
        parser.add_argument(
            "--no-services",
            action="store_true",
            help="leave promoting, rescuing and cron to other workers",
        )
        parser.add_argument(
            "--show-config", action="store_true", help="print every setting with its source"
        )
        parser.add_argument(
            "--healthcheck", action="store_true", help="exit with 0 if the worker is alive"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        self._take_over(options)
        if options["show_config"]:
            print_table(self.stdout, ("setting", "value", "source", "meaning"), conf.describe())
            return
        worker = self._worker_options(options)
        if options["healthcheck"]:
            self._check_health(worker.name)
            return
        self._refuse_unmigrated()
        sync_schedules()
        self._welcome(worker)
        Supervisor(worker).run()

    def _take_over(self, options: dict[str, Any]) -> None:
        try:
            conf.override(
                CONCURRENCY=options["concurrency"],
                PROCESSES=options["processes"],
                POLL_INTERVAL=options["poll_interval"],
                GRACE=options["grace"],
            )
            # After the others: a queue without a number takes --concurrency.
            conf.override(QUEUES=options["queues"])
        except (InvalidConfiguration, InvalidOption) as error:
            raise CommandError(str(error), returncode=2) from error

    def _worker_options(self, options: dict[str, Any]) -> WorkerOptions:
        if options["once"] and options["drain"]:
            raise CommandError("--once, --drain: give one of them.", returncode=2)
        try:
            name = check_worker_name(options["name"] or default_name())
        except InvalidOption as error:
            raise CommandError(f"--name: {error}", returncode=2) from error
        mode = Mode.ONCE if options["once"] else Mode.DRAIN if options["drain"] else Mode.FOREVER
        return WorkerOptions(
            name=name,
            queues=default_queues(),
            processes=config.PROCESSES,
            mode=mode,
            services=not options["no_services"],
        )

    def _check_health(self, name: str) -> None:
        if not is_healthy(name):
            raise CommandError(f"No process of the worker {name!r} shows a recent heartbeat.")
        self.stdout.write(f"The worker {name!r} is alive.")

    def _refuse_unmigrated(self) -> None:
        connection = connections[router.db_for_write(Job)]
        try:
            executor = MigrationExecutor(connection)
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {error}", returncode=3) from error
        targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == "django_jobs"]
        if executor.migration_plan(targets):
            raise CommandError(
                "The tables of django_jobs are not up to date: run “manage.py migrate” first.",
                returncode=3,
            )
        connection.close()

    def _welcome(self, worker: WorkerOptions) -> None:
        queues = ", ".join(f"{queue}:{limit}" for queue, limit in worker.queues.items())
        self.stdout.write(
            f"Worker {worker.name}: {worker.processes} × ({queues}), "
            f"{len(registry.all())} jobs known. Ctrl-C stops it."
        )
        self.stdout.flush()
