"""Directives that print tables from the code, so that they cannot lag behind it.

The functions return Markdown and need no Sphinx; ``tests/packaging/test_docs.py`` calls them too.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.management import load_command_class
from django.core.management.base import BaseCommand

from django_jobs import exceptions
from django_jobs.conf.aliases import ALIASES
from django_jobs.conf.keys import KEYS, Key
from django_jobs.states import MOVES, Status

if TYPE_CHECKING:
    from sphinx.application import Sphinx

APP = "django_jobs"
COMMANDS = Path(inspect.getfile(exceptions)).parent / "management" / "commands"


def command_names() -> list[str]:
    """The management commands of the package."""
    return sorted(path.stem for path in COMMANDS.glob("[!_]*.py"))


def settings_table() -> str:
    """Every setting: default, meaning, what is allowed."""
    return _table(
        ("Setting", "Default", "Meaning", "Allowed"),
        ((f"`{key.name}`", default_of(key), key.help, key.kind.allowed) for key in KEYS.values()),
    )


def aliases_table() -> str:
    """Environment variables of other systems that are understood."""
    rows = ((f"`{alias}`", f"`{key}`") for alias, key in ALIASES.items())
    return _table(("Variable", "Setting"), rows)


def moves_table() -> str:
    """Every legal move and who makes it."""
    return _table(
        ("From", "To", "Made by"),
        (
            (f"`{before}`" if before else "(new)", f"`{after}`", ", ".join(sorted(actors)))
            for (before, after), actors in sorted(MOVES.items(), key=_in_order)
        ),
    )


def errors_table() -> str:
    """Every error of the package with what it means."""
    return _table(
        ("Error", "A kind of", "Meaning"),
        (
            (f"`{one.__name__}`", f"`{one.__base__.__name__}`", inspect.getdoc(one) or "")
            for one in error_classes()
        ),
    )


def error_classes() -> list[Any]:
    """The errors that users meet, base class first."""
    return [
        one
        for one in vars(exceptions).values()
        if inspect.isclass(one) and issubclass(one, exceptions.JobsError)
    ]


def command_table(name: str) -> str:
    """The options of one command, without those that every command of Django has."""
    command = load_command_class(APP, name)
    common = {action.dest for action in _bare_parser(name)._actions}
    actions = command.create_parser("manage.py", name)._actions
    own = [action for action in actions if action.dest not in common]
    return _table(("Argument", "Meaning"), ((_written(one), one.help or "") for one in own))


def _bare_parser(name: str) -> argparse.ArgumentParser:
    return BaseCommand().create_parser("manage.py", name)


def _written(action: argparse.Action) -> str:
    words = action.option_strings or [str(action.metavar or action.dest)]
    takes_value = bool(action.option_strings) and action.nargs != 0
    if not takes_value:
        return f"`{words[0]}`"
    choices = "|".join(map(str, action.choices)) if action.choices else ""
    placeholder = "…" if choices else action.metavar or action.dest.upper()
    return f"`{words[0]} {placeholder}`" + (f" ({choices})" if choices else "")


def default_of(key: Key) -> str:
    """The default of a setting with its unit."""
    if key.default is None:
        return "not set"
    value = f"{key.default:g}" if isinstance(key.default, float) else repr(key.default)
    return f"`{value}` {key.unit if key.default != {} else ''}".strip()


def _in_order(move: tuple[tuple[Status | None, Status], object]) -> tuple[int, int]:
    order = list(Status)
    (before, after), _ = move
    return (order.index(before) if before else -1, order.index(after))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


TABLES: dict[str, Callable[..., str]] = {
    "jobs-settings": settings_table,
    "jobs-aliases": aliases_table,
    "jobs-moves": moves_table,
    "jobs-errors": errors_table,
    "jobs-command": command_table,
}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register one directive for each table."""
    from sphinx.util.docutils import SphinxDirective

    class CodeTable(SphinxDirective):
        optional_arguments = 1
        table: ClassVar[Callable[..., str]]

        def run(self) -> list[Any]:
            return self.parse_text_to_nodes(type(self).table(*self.arguments))

    for name, table in TABLES.items():
        app.add_directive(name, type(name, (CodeTable,), {"table": staticmethod(table)}))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
