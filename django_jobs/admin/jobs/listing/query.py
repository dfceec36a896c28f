"""The language of the search box: ``queue:reports status:failed -job:quake* created:<2h words``.

Pure: text in, conditions and complaints out. Nothing is asked of the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from django.utils.translation import gettext as _

from django_jobs.admin.jobs.listing.qualifiers import EXAMPLES, QUALIFIERS, QueryError, reader_of
from django_jobs.conditions import PARAMS, Condition

#: Characters of a whole search, and of one value in it.
LONGEST: Final = 500
LONGEST_VALUE: Final = 200
#: Conditions of one search.
MOST: Final = 12

_TOKEN: Final = re.compile(
    r'\s*(?P<minus>-)?(?:(?P<name>[^\s:"]+):)?(?P<value>"(?:[^"\\]|\\.)*"(?=\s|$)|\S+)'
)


@dataclass(frozen=True, slots=True)
class Query:
    """What was understood.

    Attributes:
        conditions: of the qualifiers.
        words: the rest, as one text.
        errors: what was not understood, for the person who typed it.
    """

    conditions: tuple[Condition, ...] = ()
    words: str = ""
    errors: tuple[str, ...] = ()


def parse(text: str, now: datetime) -> Query:
    """Read a search.

    Args:
        text: as it was typed.
        now: what ages are counted from, and whose time zone dates are in.
    """
    if "\0" in text or len(text) > LONGEST:
        return Query(errors=(_("A search has at most %(count)d characters.") % {"count": LONGEST},))
    conditions: list[Condition] = []
    words: list[str] = []
    errors: list[str] = []
    for found in _TOKEN.finditer(text.strip()):
        try:
            understood = list(_understood(found, now))
        except QueryError as error:
            errors.append(str(error))
            continue
        conditions += [one for one in understood if isinstance(one, Condition)]
        words += [one for one in understood if isinstance(one, str)]
    if len(conditions) > MOST:
        errors.append(_("A search has at most %(count)d conditions.") % {"count": MOST})
    return Query(tuple(conditions), " ".join(words), tuple(errors))


def without_payload(text: str) -> str:
    """A search as everybody may read it: without the values that stand in parameters and errors."""
    return _TOKEN.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    name = found["name"] or ""
    is_payload = name == "error" or name.startswith(PARAMS)
    return f"{found[0].removesuffix(found['value'])}…" if is_payload else found[0]


def _understood(found: re.Match[str], now: datetime) -> Iterator[Condition | str]:
    name, value, is_negated = found["name"], _unquoted(found["value"]), bool(found["minus"])
    if name is None and found["value"].endswith(":") and reader_of(found["value"][:-1]):
        raise QueryError(
            _("%(name)s: say what, for example %(example)s.")
            % {
                "name": found["value"][:-1],
                "example": EXAMPLES.get(found["value"][:-1], f"{found['value']}CA"),
            }
        )
    read = None if name is None else reader_of(name)
    if name is None or read is None:
        _refuse_misspelt(name)
        prefix = "" if name is None else f"{name}:"
        yield f"{'-' if is_negated else ''}{prefix}{value}"
        return
    if not value or len(value) > LONGEST_VALUE:
        raise QueryError(
            _("%(name)s: a value has 1 to %(count)d characters.")
            % {"name": name, "count": LONGEST_VALUE}
        )
    if is_negated and (name == "error" or name.startswith(PARAMS)):
        raise QueryError(_("-%(name)s: this can't be turned round.") % {"name": name})
    conditions = read(name, value, now)
    if is_negated and len(conditions) > 1:
        raise QueryError(_("-%(name)s: turn a < or > round instead.") % {"name": name})
    for condition in conditions:
        yield Condition(condition.field, condition.operator, condition.values, is_negated)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    if len(value) < 2 or not value.endswith('"'):
        raise QueryError(_("A quote is not closed: %(value)s") % {"value": value[:50]})
    return re.sub(r"\\(.)", r"\1", value[1:-1])


def _refuse_misspelt(name: str | None) -> None:
    """Words with colons are fine (keys have them), but not ``statsu:failed``."""
    similar = get_close_matches(name or "", [*QUALIFIERS, "params"], 1, 0.75)
    if similar:
        raise QueryError(
            _("%(name)s: there is no such qualifier; did you mean %(similar)s?")
            % {"name": name, "similar": similar[0]}
        )
