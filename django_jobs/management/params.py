"""The arguments of a job, given as JSON: read strictly."""

from __future__ import annotations

import json
import math
from typing import Any

from django_jobs.exceptions import InvalidArguments, PayloadTooDeep


def read_params(text: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InvalidArguments: it is no JSON or no object, has a key twice, NaN, Infinity or a number
            too large for a float.
        PayloadTooDeep: it nests deeper than the call stack allows.
    """
    try:
        value = json.loads(
            text,
            parse_float=_finite,
            parse_constant=_finite,
            object_pairs_hook=_without_doubles,
        )
    except json.JSONDecodeError as error:
        raise InvalidArguments(
            f"params: not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        ) from None
    except ValueError:  # int() refuses thousands of digits
        raise InvalidArguments("params: a number has too many digits") from None
    except RecursionError:
        raise PayloadTooDeep("params: nests deeper than the call stack allows") from None
    if not isinstance(value, dict):
        raise InvalidArguments(
            'params: must be a JSON object of arguments by name, such as {"top": 10}'
        )
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidArguments(f"params: {text[:40]} is not a finite number")
    return number


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidArguments(f"params: the key {twice[:40]!r} is given twice")
    return found
