"""``manage.py runjobs``: a worker."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    OutputWrapper,
)
from django.db import Error, connections, router
from django.db.migrations.executor import MigrationExecutor

from django_jobs import conf
from django_jobs.conf import config
from django_jobs.exceptions import InvalidConfiguration, InvalidOption
from django_jobs.management.arguments import setting
from django_jobs.management.base import NO_DATABASE, NOTHING_DONE, bad_input
from django_jobs.management.pipes import closed_pipe_allowed
from django_jobs.management.tables import print_table
from django_jobs.models import Job
from django_jobs.names import BUILT_IN, check_worker_name
from django_jobs.registry import registry
from django_jobs.runtime.connections import prepare_connections
from django_jobs.runtime.health import is_healthy
from django_jobs.runtime.options import Mode, WorkerOptions, default_name, default_queues
from django_jobs.runtime.starting import when_possible
from django_jobs.runtime.supervisor import Supervisor
from django_jobs.runtime.units import unit_of_work
from django_jobs.services.sync import sync_schedules
from django_jobs.stores.outages import is_outage


class Command(BaseCommand):
    """Claim jobs and run them."""

    help = "Run a worker: claims jobs from the database and runs them until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """The options of the command line; they go above settings and environment."""
        parser.add_argument(
            "--queues",
            type=setting("QUEUES"),
            metavar="NAME:N,…",
            help="queues with the jobs each process runs at a time, e.g. critical:5,default:10; "
            "every queue that a registered job names, if omitted",
        )
        parser.add_argument(
            "--concurrency",
            type=setting("CONCURRENCY"),
            metavar="N",
            help="jobs at a time of queues given without a number",
        )
        parser.add_argument(
            "--processes", type=setting("PROCESSES"), metavar="N", help="worker processes"
        )
        parser.add_argument(
            "--name", default=None, help="name of the worker, the host's if omitted"
        )
        parser.add_argument("--once", action="store_true", help="one claim, its jobs, and exit")
        parser.add_argument("--drain", action="store_true", help="exit when nothing is due")
        parser.add_argument(
            "--poll-interval",
            type=setting("POLL_INTERVAL"),
            metavar="S",
            help="seconds between two looks",
        )
        parser.add_argument(
            "--grace", type=setting("GRACE"), metavar="S", help="seconds to finish in"
        )
        parser.add_argument(
            "--max-jobs",
            type=setting("MAX_JOBS"),
            metavar="N",
            help="replace a worker process after so many jobs",
        )
        parser.add_argument(
            "--max-rss",
            type=setting("MAX_RSS"),
            metavar="SIZE",
            help="replace a worker process that uses more memory, e.g. 300M",
        )
        parser.add_argument(
            "--lease",
            type=setting("LEASE"),
            metavar="S",
            help="seconds after which the jobs of a worker that died run again",
        )
        parser.add_argument(
            "--no-services",
            action="store_true",
            help="leave promoting, rescuing and cron to other workers",
        )
        parser.add_argument(
            "--fail-fast",
            action="store_true",
            help="exit with 3 if the database does not answer at the start, instead of waiting",
        )
        parser.add_argument(
            "--show-config", action="store_true", help="print every setting with its source"
        )
        parser.add_argument(
            "--healthcheck", action="store_true", help="exit with 0 if the worker is alive"
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; a database that can't be reached ends it, unless it waits for one."""
        self._waits = not (options["fail_fast"] or options["healthcheck"] or options["show_config"])
        try:
            output: str | None = super().execute(*args, **options)
        except Error as error:
            if not is_outage(error):
                raise
            text = f"The database does not answer: {str(error).strip()}"
            code = NOTHING_DONE if options.get("healthcheck") else NO_DATABASE
            raise CommandError(text, returncode=code) from error
        return output

    def check(self, *args: Any, **options: Any) -> None:
        """Check the project; from Django 6.1 on, this may ask the database already."""
        when_possible(lambda: super(Command, self).check(*args, **options), waits=self._waits)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            self._take_over(options)
            worker = self._worker_options(options)
        except (InvalidConfiguration, InvalidOption) as error:
            raise bad_input(str(error)) from error
        if options["show_config"]:
            self._show_configuration(options["queues"])
        elif options["healthcheck"]:
            self._check_health(worker.name)
        else:
            _log_to(self.stdout, options["verbosity"])
            supervisor = Supervisor(worker)
            prepare_connections()
            when_possible(lambda: self._begin(supervisor), waits=self._waits)
            with closed_pipe_allowed(self.stdout):
                self._welcome(worker)
            supervisor.run()

    def _begin(self, supervisor: Supervisor) -> None:
        """All that needs the database before there is anybody who can do without it."""
        with unit_of_work():
            self._refuse_unmigrated()
            sync_schedules()
        supervisor.announce()  # which writes: a server that takes no writes is none to work with

    def _take_over(self, options: dict[str, Any]) -> None:
        # Not QUEUES: what this worker serves is not what its jobs may enqueue to.
        conf.override(
            CONCURRENCY=options["concurrency"],
            PROCESSES=options["processes"],
            POLL_INTERVAL=options["poll_interval"],
            GRACE=options["grace"],
            MAX_JOBS=options["max_jobs"],
            MAX_RSS=options["max_rss"],
            LEASE=options["lease"],
        )

    def _worker_options(self, options: dict[str, Any]) -> WorkerOptions:
        if options["once"] and options["drain"]:
            raise bad_input("--once, --drain: give one of them.")
        mode = Mode.ONCE if options["once"] else Mode.DRAIN if options["drain"] else Mode.FOREVER
        return WorkerOptions(
            name=_name(options["name"]),
            queues=_queues(options["queues"]),
            processes=config.PROCESSES,
            mode=mode,
            services=not options["no_services"],
        )

    def _show_configuration(self, queues: str | None) -> None:
        conf.override(QUEUES=queues)
        with closed_pipe_allowed(self.stdout):
            print_table(self.stdout, ("setting", "value", "source", "meaning"), conf.describe())

    def _check_health(self, name: str) -> None:
        prepare_connections()
        with unit_of_work():
            is_alive = is_healthy(name)
        if not is_alive:
            raise CommandError(f"No process of the worker {name!r} shows a recent heartbeat.")
        self.stdout.write(f"The worker {name!r} is alive.")

    def _refuse_unmigrated(self) -> None:
        connection = connections[router.db_for_write(Job)]
        executor = MigrationExecutor(connection)
        targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == "django_jobs"]
        if executor.migration_plan(targets):
            raise CommandError(
                "The tables of django_jobs are not up to date: run “manage.py migrate” first.",
                returncode=NO_DATABASE,
            )
        connection.close()

    def _welcome(self, worker: WorkerOptions) -> None:
        queues = ", ".join(f"{queue}:{limit}" for queue, limit in worker.queues.items())
        self.stdout.write(
            f"Worker {worker.name}: {worker.processes} × ({queues}), "
            f"{len(registry.all())} jobs known. Ctrl-C stops it."
        )
        self.stdout.flush()
        self._warn_of_missing_jobs()
        self._warn_of_idle_queues(worker)

    def _warn_of_missing_jobs(self) -> None:
        """No error: the worker promotes and rescues for others all the same."""
        if all(definition.name in BUILT_IN for definition in registry):
            self.stderr.write(
                "No job of yours is registered: this worker will run none. Is the app whose "
                "jobs.py has them in INSTALLED_APPS?"
            )

    def _warn_of_idle_queues(self, worker: WorkerOptions) -> None:
        """No error, because ``using(queue=…)`` may name any queue, but more often a slip."""
        known = {"default", *config.QUEUES, *registry.queues()}
        if idle := sorted(worker.queues.keys() - known):
            self.stderr.write(
                f"No registered job goes to {', '.join(idle)} by itself; "
                f"known queues: {', '.join(sorted(known))}."
            )


def _log_to(stream: OutputWrapper, verbosity: int) -> None:
    """With -v 2 tell of each job that ends, with -v 3 also of each that starts.

    Django logs warnings alone; a site that configured the logger has its own way.
    """
    logger = logging.getLogger("django_jobs")
    if verbosity < 2 or logger.handlers:
        return
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbosity == 2 else logging.DEBUG)


def _name(given: str | None) -> str:
    try:
        return check_worker_name(default_name() if given is None else given)
    except InvalidOption as error:
        raise bad_input(f"--name: {error}") from error


def _queues(given: str | None) -> Mapping[str, int]:
    if given is None:
        return default_queues()
    queues = conf.parse_queues(given, config.CONCURRENCY)
    unknown = sorted(queues.keys() - config.QUEUES.keys())
    if config.STRICT_QUEUES and unknown:
        raise bad_input(
            f"--queues: {', '.join(unknown)}: not among the configured queues: "
            f"{', '.join(config.QUEUES)}."
        )
    return queues
