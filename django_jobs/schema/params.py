"""The arguments of a job: bound like a call, stored as one JSON object, bound again."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from django_jobs.codec import JSON
from django_jobs.conf import config
from django_jobs.exceptions import InvalidArguments, PayloadTooDeep
from django_jobs.schema.plan import Plan
from django_jobs.schema.problems import Problem
from django_jobs.validation import check_size


class ParamsSchema:
    """The parameters of a function as a schema.

    Type hints are read at the first use, when every module that they name is imported.
    """

    def __init__(self, function: Callable[..., Any], skip_first: bool) -> None:
        self._function = function
        self._skip_first = skip_first

    @classmethod
    def of(cls, function: Callable[..., Any], skip_first: bool) -> ParamsSchema:
        """Make the schema of ``function``.

        Args:
            function: what will be called with the decoded arguments.
            skip_first: whether its first parameter is filled by the worker (the context).
        """
        return cls(function, skip_first)

    @cached_property
    def plan(self) -> Plan:
        """The compiled parameters.

        Raises:
            InvalidJob: a type hint cannot be resolved; the message names the parameter.
        """
        return Plan.of(self._function, self._skip_first)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, JSON]:
        """Check arguments against signature and hints; return what was passed as plain JSON.

        Defaults are not stored: they are those of the code that runs the job.

        Raises:
            InvalidArguments: an argument is missing, unknown or of the wrong type.
            NotSerializable: a value would not come back equal.
            InvalidText: a text that PostgreSQL cannot store.
            PayloadTooDeep: deeper than ``PAYLOAD_MAX_DEPTH``.
            PayloadTooLarge: larger than ``PAYLOAD_MAX_BYTES``.
            InvalidJob: a type hint cannot be resolved.
        """
        plan = self.plan
        arguments = self._arguments(args, kwargs)
        try:
            stored = plan.encode(arguments, config.PAYLOAD_MAX_DEPTH - 1)
            check_size(stored, config.PAYLOAD_MAX_BYTES, "params", "PAYLOAD_MAX_BYTES")
        except Problem as problem:
            raise problem.as_error("params") from problem.__cause__
        except RecursionError:
            raise PayloadTooDeep("params: nests deeper than the call stack allows") from None
        return stored

    def decode(self, params: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return ``(args, kwargs)`` for calling the function with what :meth:`bind` stored.

        Raises:
            InvalidArguments: the stored arguments no longer fit: the function was changed.
            InvalidJob: a type hint cannot be resolved.
        """
        plan = self.plan
        try:
            return plan.call(plan.decode(params))
        except Problem as problem:
            raise InvalidArguments(
                f"{problem.describe('params')}; the stored job no longer fits {plan.text}"
            ) from problem.__cause__
        except RecursionError:
            raise InvalidArguments("params: nests deeper than the call stack allows") from None

    def from_json(self, params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return ``(args, kwargs)`` for a call whose arguments somebody wrote as JSON.

        Dates, UUIDs and the like are texts there. What comes back still has to pass
        :meth:`bind`, as the arguments of every call do.

        Raises:
            InvalidArguments: an argument is missing, unknown or of the wrong type.
            PayloadTooDeep: deeper than the call stack allows.
        """
        plan = self.plan
        if plan.is_simple and not plan.required <= params.keys() <= plan.names:
            # Names are checked before types, and explained better there.
            self._arguments((), params)
        try:
            return plan.call(plan.decode(params))
        except Problem as problem:
            raise problem.as_error("params") from problem.__cause__
        except RecursionError:
            raise PayloadTooDeep("params: nests deeper than the call stack allows") from None

    def _arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        plan = self.plan
        # inspect binds in Python, slowly; calls with keywords alone need only this.
        if not args and plan.is_simple and type(kwargs) is dict:
            names = kwargs.keys()
            if plan.required <= names <= plan.names:
                return kwargs
        try:
            return plan.signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            hint = self._closest(kwargs, str(error))
            raise InvalidArguments(f"params: {error}{hint}; expected {plan.text}") from None

    def _closest(self, kwargs: Any, message: str) -> str:
        """Name the parameter that was meant by an unknown one, if there is a similar one.

        Python tells of a missing parameter before an unknown one, which is then named here.
        """
        if not isinstance(kwargs, Mapping):
            return ""
        for name in kwargs:
            if isinstance(name, str) and name not in self.plan.names:
                similar = difflib.get_close_matches(name, self.plan.names, n=1)
                unknown = "" if repr(name) in message else f"; {name!r} is unexpected"
                return unknown + (f" (did you mean {similar[0]!r}?)" if similar else "")
        return ""
