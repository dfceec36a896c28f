"""How long a failed job waits before its next attempt. Pure: no settings, no queries.

A policy is one of

- ``"exponential"``: ``base * 2**(n-1)`` seconds with *equal jitter*: half of it is
  certain, half is random. (Full jitter could retry at once, right into the outage that
  caused the failure; equal jitter spreads the herd and still always waits.)
- ``"polynomial"``: ``n**4 + base`` seconds plus up to ``10 * n`` random ones,
  the curve known from Sidekiq.
- ``"linear"``: ``base * n`` seconds. ``"constant"``: ``base`` seconds. Both are exact.
- a list or tuple: the seconds (or ``timedelta``) after failure 1, 2, …; the last one repeats.
- a callable ``(failure_count, exception) -> seconds | timedelta``.

where ``n`` is the number of failures so far. Every delay is capped.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import random as _random
from traceback import format_tb
from typing import Final

from django_jobs.exceptions import InvalidOption

logger = logging.getLogger(__name__)

Delay = float | timedelta
DelayFunction = Callable[[int, BaseException | None], Delay]
Policy = str | Sequence[Delay] | DelayFunction
Uniform = Callable[[], float]

#: The longest list of delays that is accepted.
MAX_STEPS: Final = 1000

# Arithmetic stays far from float overflow however often a job failed;
# each of these is beyond any sensible cap.
_MAX_DOUBLINGS: Final = 62
_MAX_FAILURES: Final = 1_000_000


def _exponential(failures: int, base: float, uniform: Uniform) -> float:
    full: float = base * 2 ** min(failures - 1, _MAX_DOUBLINGS)
    return full / 2 + full / 2 * uniform()


def _polynomial(failures: int, base: float, uniform: Uniform) -> float:
    return failures**4 + base + 10 * failures * uniform()


def _linear(failures: int, base: float, _uniform: Uniform) -> float:
    return base * failures


def _constant(_failures: int, base: float, _uniform: Uniform) -> float:
    return base


STRATEGIES: Final[dict[str, Callable[[int, float, Uniform], float]]] = {
    "exponential": _exponential,
    "linear": _linear,
    "constant": _constant,
    "polynomial": _polynomial,
}


def delay_for(
    policy: Policy,
    failure_count: int,
    exception: BaseException | None = None,
    *,
    base: float = 15.0,
    cap: float = 86_400.0,
    random: Uniform = _random,
) -> float:
    """Return the seconds to wait after the ``failure_count``-th failure.

    It runs while a failure is being recorded, so it does not raise: a policy that breaks or
    returns nonsense gives way to ``"exponential"`` and a warning is logged.

    Args:
        policy: see the module's text; validate it beforehand with :func:`validate`.
        failure_count: failures so far, this one included; any integer is safe.
        exception: what the job raised, or ``None`` after a timeout or crash.
        base: seconds of the first delay of the named strategies.
        cap: seconds that no delay exceeds.
        random: returns a float from 0 up to 1; for tests.
    """
    failures = max(1, min(failure_count, _MAX_FAILURES))
    if isinstance(policy, str) and policy in STRATEGIES:
        return _capped(STRATEGIES[policy](failures, base, random), cap)
    try:
        return _capped(_chosen_delay(policy, failures, exception), cap)
    except Exception as error:  # noqa: BLE001 - a foreign policy raises what it likes
        # Where, but not what: its message, and that of the job's exception behind it, may hold
        # what the job was given.
        where = "" if isinstance(error, InvalidOption) else "".join(format_tb(error.__traceback__))
        logger.warning(
            "Backoff policy %s gave no usable delay (%s); exponential backoff is used instead.\n%s",
            _name_of(policy),
            type(error).__name__,
            where,
        )
        return _capped(_exponential(failures, base, random), cap)


def delay_after_crash(crash_count: int, *, base: float = 15.0) -> float:
    """Return the seconds to wait after the ``crash_count``-th death of the job's process.

    None after the first, for that is mostly a deploy; jittered backoff after others, so that a
    job that kills its process meets other victims of the last crash again only by chance.
    """
    return 0.0 if crash_count <= 1 else delay_for("exponential", crash_count - 1, base=base)


def validate(policy: object) -> None:
    """Check that ``policy`` is one of the allowed forms.

    Raises:
        InvalidOption: it is not; the message lists what is allowed.
    """
    if isinstance(policy, str):
        if policy not in STRATEGIES:
            raise InvalidOption(f"backoff: {policy[:60]!r} is not a strategy; {_ALLOWED}.")
    elif isinstance(policy, list | tuple):
        if not 1 <= len(policy) <= MAX_STEPS:
            raise InvalidOption(
                f"backoff: a list needs 1 to {MAX_STEPS} delays, this one has {len(policy)}."
            )
        for delay in policy:
            _seconds(delay)
    elif not callable(policy):
        raise InvalidOption(f"backoff: a {type(policy).__name__} is no policy; {_ALLOWED}.")


_ALLOWED: Final = (
    "allowed are "
    + ", ".join(repr(name) for name in STRATEGIES)
    + ", a list of seconds, or a callable (failure_count, exception) -> seconds"
)


def _chosen_delay(policy: Policy, failures: int, exception: BaseException | None) -> float:
    if callable(policy):
        return _seconds(policy(failures, exception))
    validate(policy)
    return _seconds(policy[min(failures, len(policy)) - 1])


def _seconds(delay: object) -> float:
    """Turn a delay into seconds, or raise ``InvalidOption``."""
    if isinstance(delay, timedelta):
        delay = delay.total_seconds()
    if isinstance(delay, bool) or not isinstance(delay, int | float):
        raise InvalidOption(
            f"backoff: a delay is a number of seconds or a timedelta, not {type(delay).__name__}."
        )
    if not 0 <= delay < math.inf:  # refuses NaN, too
        raise InvalidOption("backoff: a delay is a finite number of seconds, 0 or more.")
    return delay


def _capped(seconds: float, cap: float) -> float:
    # min() first: it compares integers of any size, which float() could not convert.
    return float(max(0.0, min(seconds, cap)))


def _name_of(policy: object) -> str:
    return str(getattr(policy, "__qualname__", None) or type(policy).__name__)
