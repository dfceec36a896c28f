"""``manage.py demo``: a week of earthquakes goes through the queue."""

from __future__ import annotations

import argparse
import secrets
import time
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection

from testproject.quakes import expectations, files, stations, yesterday
from testproject.quakes.console import ProgressBars
from testproject.quakes.processes import (
    HOST,
    Interruption,
    Subprocesses,
    log_file,
    refuse_busy_port,
)
from testproject.quakes.run import DemoRun

#: Seconds between two looks at the jobs.
LOOK_INTERVAL: Final = 0.2

#: Seconds without any progress after which something must be wrong. Longer than it takes to
#: rescue the jobs of a worker that was killed in an earlier run.
PATIENCE: Final = 150.0

QUEUES: Final = "imports:2,airports:2,mail:2,reports:3,default:2"


class Command(BaseCommand):
    """Import, compute, report and mail, all through jobs; then show the admin."""

    help = (
        "Run 1,707 earthquakes through the queue, show the progress, and serve the admin until "
        "Ctrl-C. DATABASE_URL picks the database."
    )

    # Some ask the database; _migrate() does them where it can tell that nobody answers.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to stay, and where."""
        parser.add_argument(
            "--exit", action="store_true", help="stop after the table; 0 if all went as planned"
        )
        parser.add_argument(
            "--port", type=_port, default=8000, help="of the admin, on 127.0.0.1 (8000)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        stay = not options["exit"]
        if stay:
            refuse_busy_port(options["port"])
        with Interruption() as interruption, Subprocesses() as processes:
            self._interruption, self._processes = interruption, processes
            self._migrate()
            run = DemoRun()
            run.start_afresh()
            self._create_superuser(options["port"] if stay else None)
            count = run.start_imports()
            self.stdout.write(f"{count} jobs enqueued; the worker starts …\n")
            self._start_worker()
            self._watch(run)
            met = self._report(run)
            if stay:
                self._stay_alive()
                self._serve_on(options["port"])
                stations.keep_going(enabled=False)
        if not met:
            raise CommandError("Not all went as planned: see the lines marked ✗ above.")

    def _migrate(self) -> None:
        name = connection.settings_dict["NAME"]
        self.stdout.write(f"Database: {connection.display_name} {name}")
        if connection.vendor == "sqlite" and ":memory:" in str(name):
            raise CommandError("DATABASE_URL: the worker can't see a database in our memory.")
        try:
            self.check()
            call_command("migrate", verbosity=0)
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {error}", returncode=3) from error

    def _create_superuser(self, port: int | None) -> None:
        password = secrets.token_urlsafe(9)
        user, _ = get_user_model().objects.get_or_create(username="admin")
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_password(password)
        user.save()
        self.stdout.write(f"User:     admin, password {password} (for this run)")
        if port is not None:
            self._processes.start("server", "runserver", f"{HOST}:{port}", "--noreload")
            self.stdout.write(f"Admin:    http://{HOST}:{port}/admin/")

    def _start_worker(self) -> None:
        # SQLite has one writer at a time: a second process would mostly wait.
        processes = "1" if connection.vendor == "sqlite" else "2"
        arguments = ["--queues", QUEUES, "--processes", processes, "--grace", "5"]
        self._processes.start("worker", "runjobs", "--name", "demo", *arguments)

    def _watch(self, run: DemoRun) -> None:
        bars = ProgressBars(self.stdout)
        seen, changed_at = run.progress(), time.monotonic()
        while not run.is_finished():
            self._pause()
            run.start_reports_when_ready()
            progress = run.progress()
            bars.show(progress)
            if progress != seen:
                seen, changed_at = progress, time.monotonic()
            elif time.monotonic() - changed_at > PATIENCE:
                raise self._gave_up()
        bars.show(run.progress(), last=True)
        self._wait_for_orphans(run, bars)

    def _wait_for_orphans(self, run: DemoRun, bars: ProgressBars) -> None:
        orphans = run.orphans()
        if count := orphans.count():
            bars.note(f"Waiting for {count} jobs of a killed worker, until their leases end …")
        deadline = time.monotonic() + PATIENCE
        while orphans.all().exists():
            self._pause()
            if time.monotonic() > deadline:
                raise self._gave_up()

    def _gave_up(self) -> CommandError:
        log = files.shown(log_file("worker"))
        return CommandError(f"Nothing moved for {PATIENCE:.0f} seconds; see {log}.")

    def _pause(self) -> None:
        time.sleep(LOOK_INTERVAL)
        if self._interruption.requested:
            raise CommandError(
                "Interrupted; run it again whenever you like: it starts afresh.", returncode=130
            )
        self._processes.check()

    def _report(self, run: DemoRun) -> bool:
        """Print the table; return whether all expectations are met."""
        checked = expectations.check(run)
        self.stdout.write("\nJobs")
        counts = run.counts()
        for status, count in counts.items():
            self.stdout.write(f"  {status:<12}{count:>6}")
        seconds = run.seconds()
        total = sum(counts.values())
        self.stdout.write(
            f"  {total} jobs in {seconds:.1f} s: {total / max(seconds, 0.001):.0f} per second"
        )
        self.stdout.write("\nExpected and found")
        for one in checked:
            mark = self.style.SUCCESS("✓") if one.is_met else self.style.ERROR("✗")
            wanted = "" if one.is_met else f" instead of {one.expected}"
            self.stdout.write(f"  {mark} {one.what}: {one.found}{wanted}")
        self._tell_where_things_are(run)
        return all(one.is_met for one in checked)

    def _tell_where_things_are(self, run: DemoRun) -> None:
        sums = expectations.imported(run)
        folder = files.output_folder()
        written = files.written()
        self.stdout.write(
            f"\nImported {sums.saved} quakes, {sums.partial} of them partial; "
            f"{sums.bad} bad records left out. {len(written)} files written:"
        )
        for what, path in (
            ("map", folder / "earthquakes.svg"),
            ("reports", folder / "reports"),
            ("mails", files.outbox()),
            ("worker's log", log_file("worker")),
        ):
            self.stdout.write(f"  {what:<14}{files.shown(path)}")

    def _stay_alive(self) -> None:
        """Give the overview something to show."""
        yesterday.make_up()
        stations.keep_going()

    def _serve_on(self, port: int) -> None:
        self.stdout.write(
            f"\nThe overview is at http://{HOST}:{port}/admin/django_jobs/ (user and password "
            "above).\nThe worker goes on and asks stations every minute; the statistics of "
            "yesterday are made up.\nPlanted failures: “hopeless” waits among the failed jobs for "
            "a retry; the timeline of “flaky” shows two failures.\nCtrl-C ends all."
        )
        self.stdout.flush()
        while not self._interruption.requested:
            time.sleep(LOOK_INTERVAL)
            self._processes.check()
        self.stdout.write("\nStopping …")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 65535:
        raise argparse.ArgumentTypeError(f"a number from 1 to 65535; got {text[:20]!r}")
    return int(text)
