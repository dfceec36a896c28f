"""What is wrong with the settings and the tables."""

from __future__ import annotations

from typing import Final

from django.core.checks import CheckMessage
from django.core.checks.registry import registry

from django_jobs.checks import check_database_version
from django_jobs.checks.routing import missing_migrations
from django_jobs.doctor.examination import examination
from django_jobs.doctor.finding import Verdict, ok, problem, warn
from django_jobs.doctor.patient import Patient

#: Checks whose subject has a row of its own, which looks closer.
_ELSEWHERE: Final = frozenset(
    f"django_jobs.{number}" for number in ("E005", "W003", "W004", "W005", "W006", "W008", "W009")
)


@examination("system checks", asks_database=False)
def system_checks(patient: Patient) -> Verdict:
    """The checks of this package and its plugins that need no database."""
    ours = [
        check
        for check in registry.get_checks(include_deployment_checks=True)
        if check.__module__.startswith("django_jobs.")
    ]
    messages = [
        message
        for check in ours
        for message in check(app_configs=None, databases=None)
        if message.id not in _ELSEWHERE and not message.is_silenced()
    ]
    if not messages:
        return ok(f"all {len(ours)} pass, but for what has a row below")
    found = " · ".join(_short(message) for message in messages)
    fixes = " · ".join(dict.fromkeys(str(message.hint) for message in messages if message.hint))
    return (problem if any(one.is_serious() for one in messages) else warn)(found, fixes)


@examination("database")
def database(patient: Patient) -> Verdict:
    """Whether it answers. The first to ask: without it most others have nothing to look at."""
    patient.value("SELECT 1")
    return ok(f"{patient.database.display_name} answers under the alias {patient.alias!r}")


@examination("migrations")
def migrations(patient: Patient) -> Verdict:
    """Whether the tables are those of this code."""
    missing = missing_migrations(patient.alias)
    if missing:
        return problem(f"not applied: {', '.join(missing)}", "Run “manage.py migrate django_jobs”.")
    return ok("all are applied")


@examination("server version")
def server_version(patient: Patient) -> Verdict:
    """Whether the server is new enough."""
    messages = check_database_version(databases=[patient.alias])
    if messages:
        return problem(str(messages[0].msg), str(messages[0].hint))
    version = ".".join(str(part) for part in patient.database.get_database_version())
    return ok(f"{patient.database.display_name} {version}")


def _short(message: CheckMessage) -> str:
    return f"{str(message.id).removeprefix('django_jobs.')} {message.msg}"
