"""What all commands for operators share: errors, exit codes, ``--json``."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, ProgrammingError

from django_jobs.auditing import through
from django_jobs.exceptions import EnqueueUnavailable, JobsError
from django_jobs.management.pipes import closed_pipe_allowed
from django_jobs.management.tables import print_table, printable
from django_jobs.models import AuditSource

#: Exit codes; 0 is success.
NOTHING_DONE: Final = 1
BAD_INPUT: Final = 2
NO_DATABASE: Final = 3


class JobsCommand(BaseCommand):
    """Base of the commands that are thin over operations and stats.

    Errors of the package end the command with exit code 2, a database that cannot be used with
    3, and a reader that closes the pipe ends it in silence.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        """Add ``--json``; subclasses add their own before."""
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; turn errors into messages with their exit code."""
        output: str | None = None
        try:
            with closed_pipe_allowed(self.stdout), through(AuditSource.COMMAND):
                output = super().execute(*args, **options)
        except EnqueueUnavailable as error:
            raise _no_database(str(error)) from error
        except JobsError as error:
            raise bad_input(str(error)) from error
        except (OperationalError, ProgrammingError) as error:
            raise _no_database(f"The database can't be used: {str(error).strip()}.") from error
        return output

    def write_json(self, document: Any) -> None:
        """Write one JSON document; it is ASCII, so that no terminal acts on stored text."""
        self.stdout.write(json.dumps(document, indent=2, cls=DjangoJSONEncoder))

    def write_table(self, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write aligned columns."""
        print_table(self.stdout, header, rows)

    def write_line(self, text: str) -> None:
        """Write one line of text that may hold stored values."""
        self.stdout.write(printable(text))


def bad_input(message: str) -> CommandError:
    """The error for an argument that is not usable; ``message`` names it."""
    return CommandError(message, returncode=BAD_INPUT)


def _no_database(message: str) -> CommandError:
    return CommandError(f"{message} Is it there, and is it migrated?", returncode=NO_DATABASE)


def operator() -> str:
    """Who runs this command, for transitions and audits: ``cli:<name in the system>``."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        name = str(os.getuid())
    return f"cli:{name}"
