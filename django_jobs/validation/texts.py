"""Texts that the queue itself must store: whatever they hold, they are stored."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from django_jobs.redaction import Redactor

#: Characters of a stored traceback.
TRACEBACK_LIMIT: Final = 64 * 1024
#: Characters of an exception's one-line description.
DESCRIPTION_LIMIT: Final = 1000
#: Exceptions in a group of which all tracebacks are formatted.
GROUP_LIMIT: Final = 500
#: Stands for a value whose ``__str__`` or ``__repr__`` raises.
UNPRINTABLE: Final = "<unprintable>"
ELLIPSIS: Final = "…"

#: How PostgreSQL begins what it adds to a message.
_DETAILS: Final = re.compile(r"\s*^(?:DETAIL|CONTEXT|HINT|LINE \d+):", re.MULTILINE)


def clean_text(text: object, limit: int, hide: Redactor | None = None) -> str:
    """Make any text storable; never raises.

    NUL and lone surrogates are written as escapes.

    Args:
        text: usually a ``str``; of anything else, its ``str()``.
        limit: characters to keep; longer texts end in an ellipsis.
        hide: hides the secrets of the job that the text is about.
    """
    try:
        whole = text if type(text) is str else str.__str__(str(text))
        # Cut first: escaping then works on little, however long the text is.
        if hide is None:
            return _cut(escape(whole[: limit + 1]), limit)
        more = ELLIPSIS if len(whole) > limit else ""
        return _cut(escape(hide.head(whole, limit)) + more, limit)
    except BaseException:  # noqa: BLE001 - a foreign __str__ raises anything
        return _cut(UNPRINTABLE, limit)


def describe_exception(exception: BaseException, hide: Redactor | None = None) -> str:
    """One line, ``ValueError: message``; never raises."""
    name = type(exception).__qualname__
    try:
        text, looked_at = str(exception), 2 * DESCRIPTION_LIMIT
        text = text[:looked_at] if hide is None else hide.head(text, looked_at)
        message = " ".join(text.split())
    except BaseException:  # noqa: BLE001 - a foreign __str__ raises anything
        message = UNPRINTABLE
    return clean_text(f"{name}: {message}" if message else name, DESCRIPTION_LIMIT)


def describe_database_error(error: BaseException) -> str:
    """The same for an error of the server, without its details: they show the values of rows."""
    try:
        message = _DETAILS.split(str(error)[:DESCRIPTION_LIMIT], maxsplit=1)[0]
    except BaseException:  # noqa: BLE001 - a foreign __str__ raises anything
        message = UNPRINTABLE
    return clean_text(f"{type(error).__qualname__}: {' '.join(message.split())}", DESCRIPTION_LIMIT)


def format_traceback(
    exception: BaseException, limit: int = TRACEBACK_LIMIT, hide: Redactor | None = None
) -> str:
    """The traceback as text, without local variables; never raises.

    Args:
        limit: characters to keep; the middle of a longer traceback is left out.
        hide: hides the secrets of the job that raised it.
    """
    try:
        text = "".join(_format(exception))
        return _keep_ends(escape(_keep_ends(text, limit, hide)), limit)
    except BaseException:  # noqa: BLE001 - formatting runs code of foreign exceptions
        return clean_text(describe_exception(exception, hide), limit)


def _format(exception: BaseException) -> list[str]:
    if _is_vast(exception):
        return [*traceback.format_tb(exception.__traceback__), describe_exception(exception), "\n"]
    return traceback.format_exception(exception)


def _is_vast(exception: BaseException) -> bool:
    """Whether a group holds so many exceptions that formatting them would take seconds.

    One that is reached twice counts twice, as it does for the formatter.
    """
    waiting, count = [exception], 0
    while waiting and count <= GROUP_LIMIT:
        one = waiting.pop()
        count += 1
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(one.exceptions[:GROUP_LIMIT])
    return count > GROUP_LIMIT


def escape(text: str) -> str:
    """Write NUL and lone surrogates as Python escapes."""
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return text[: limit - 1] + ELLIPSIS if limit > 0 else ""


def _keep_ends(text: str, limit: int, hide: Redactor | None = None) -> str:
    """Leave out the middle: the head says where it began, the tail what was raised."""
    if len(text) <= limit:
        return text if hide is None else hide.text(text)
    marker = f"\n{ELLIPSIS} {len(text) - limit:,} characters left out {ELLIPSIS}\n"
    room = limit - len(marker)
    if room < 2:
        return _cut(text if hide is None else hide.head(text, limit), limit)
    head, tail = room // 2, room - room // 2
    if hide is None:
        return text[:head] + marker + text[-tail:]
    return hide.head(text, head) + marker + hide.tail(text, tail)
