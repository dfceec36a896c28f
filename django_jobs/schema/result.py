"""What a job returns: checked against the return hint, stored as JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django_jobs.codec import JSON
from django_jobs.conf import config
from django_jobs.exceptions import (
    InvalidJob,
    PayloadTooDeep,
    ResultNotSerializable,
)
from django_jobs.schema.compiler import Compiler
from django_jobs.schema.converter import Converter
from django_jobs.schema.hints import UnresolvableHint, resolve, signature_of
from django_jobs.schema.plain import PLAIN
from django_jobs.schema.problems import Problem
from django_jobs.validation import check_size


class ResultSchema:
    """The return hint of a function as a schema; plain JSON where it is ``None`` or missing."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @classmethod
    def of(cls, function: Callable[..., Any]) -> ResultSchema:
        """Make the schema of what ``function`` returns; hints are read at the first use."""
        return cls(function)

    @cached_property
    def converter(self) -> Converter:
        """The compiled return hint.

        Raises:
            InvalidJob: the return hint cannot be resolved.
        """
        try:
            hint = resolve(signature_of(self._function).return_annotation, self._function)
            return PLAIN if hint in (None, type(None)) else Compiler().compile(hint)
        except UnresolvableHint as error:
            name = getattr(self._function, "__name__", "job")
            raise InvalidJob(f"{name}: the return type hint cannot be resolved: {error}") from error

    def encode(self, value: Any) -> JSON:
        """Return ``value`` as plain JSON.

        Raises:
            ResultNotSerializable: it does not fit the return hint, or would not come back equal.
            PayloadTooDeep: deeper than ``PAYLOAD_MAX_DEPTH``.
            PayloadTooLarge: larger than ``RESULT_MAX_BYTES``.
            InvalidJob: the return hint cannot be resolved.
        """
        converter = self.converter
        if value is None and converter is PLAIN:
            return None
        try:
            stored: JSON = converter.encode(value, config.PAYLOAD_MAX_DEPTH)
            check_size(stored, config.RESULT_MAX_BYTES, "result", "RESULT_MAX_BYTES")
        except Problem as problem:
            error = problem.as_error("result")
            if isinstance(error, PayloadTooDeep):
                raise error from problem.__cause__
            raise ResultNotSerializable(str(error)) from problem.__cause__
        except RecursionError:
            raise PayloadTooDeep("result: nests deeper than the call stack allows") from None
        return stored

    def decode(self, stored: Any) -> Any:
        """Return the value that :meth:`encode` stored.

        Raises:
            ResultNotSerializable: the stored result no longer fits: the return hint was changed.
            InvalidJob: the return hint cannot be resolved.
        """
        try:
            return self.converter.decode(stored, False)
        except Problem as problem:
            raise ResultNotSerializable(
                f"{problem.describe('result')}; the stored result no longer fits the return hint"
            ) from problem.__cause__
        except RecursionError:
            raise ResultNotSerializable("result: nests deeper than the call stack allows") from None
