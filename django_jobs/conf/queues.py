"""The forms in which queues are written, above all as a text: ``critical:5,default:10,bulk``."""

from __future__ import annotations

import re
from typing import Final

from django_jobs.conf.shown import shown
from django_jobs.exceptions import InvalidOption
from django_jobs.names import check_queue_name

CONCURRENCY_MIN: Final = 1
CONCURRENCY_MAX: Final = 1000
QUEUES_FORM: Final = 'write them as "critical:5,default:10,bulk"'


def check_concurrency(concurrency: object, name: str) -> int:
    """Return ``concurrency`` if the queue ``name`` may run that many jobs at once.

    Raises:
        InvalidOption: it is not an integer from 1 to 1000.
    """
    is_number = isinstance(concurrency, int) and not isinstance(concurrency, bool)
    if not is_number or not CONCURRENCY_MIN <= concurrency <= CONCURRENCY_MAX:  # type: ignore[operator]
        raise InvalidOption(
            f"queue {name!r}: the concurrency {shown(concurrency)} is not an integer "
            f"from {CONCURRENCY_MIN} to {CONCURRENCY_MAX}."
        )
    return concurrency  # type: ignore[return-value]


def parse_queues(text: str, default_concurrency: int) -> dict[str, int]:
    """Read ``critical:5,default:10,bulk`` into ``{"critical": 5, "default": 10, "bulk": …}``.

    Args:
        text: queue names separated by commas, each with an optional ``:concurrency``.
        default_concurrency: jobs at once for a queue without a number.

    Raises:
        InvalidQueueName: a name is malformed.
        InvalidOption: nothing is named, an entry is empty or double, or a number is out of range.
    """
    if not text.strip():
        raise InvalidOption(f"queues: none is named; {QUEUES_FORM}.")
    queues: dict[str, int] = {}
    for entry in text.split(","):
        if not entry.strip():
            raise InvalidOption(f"queues: an entry is empty; {QUEUES_FORM}.")
        name, colon, number = entry.strip().partition(":")
        check_queue_name(name)
        if name in queues:
            raise InvalidOption(f"queues: {name!r} is named twice.")
        queues[name] = check_concurrency(_integer(number) if colon else default_concurrency, name)
    return queues


def queues_from(value: object, default_concurrency: int) -> dict[str, int]:
    """Read any form that ``QUEUES`` may have: a dict, a list of names, or the text form.

    Raises:
        InvalidOption: it is none of these, or :func:`parse_queues` would refuse it.
    """
    if isinstance(value, str):
        return parse_queues(value, default_concurrency)
    if isinstance(value, dict):
        return {
            check_queue_name(name): check_concurrency(concurrency, name)
            for name, concurrency in value.items()
        }
    if isinstance(value, list | tuple):
        queues: dict[str, int] = {}
        for name in value:
            if check_queue_name(name) in queues:
                raise InvalidOption(f"queues: {name!r} is named twice.")
            queues[name] = check_concurrency(default_concurrency, name)
        return queues
    raise InvalidOption(
        f"queues: a {type(value).__name__} does not list queues; give a dict of name to "
        f"concurrency, a list of names, or {QUEUES_FORM}."
    )


def _integer(text: str) -> int | str:
    """The integer that ``text`` spells in ASCII digits, else ``text`` for the message."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text
