"""The compiled parameters of one function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, Final

from django_jobs.exceptions import InvalidJob
from django_jobs.schema.compiler import Compiler
from django_jobs.schema.containers import dict_of, tuple_of
from django_jobs.schema.converter import Converter
from django_jobs.schema.hints import UnresolvableHint, is_unpacked, resolve, signature_of
from django_jobs.schema.plain import PLAIN_KEY
from django_jobs.schema.problems import Problem, at_key, mismatch

_POSITIONAL: Final = frozenset({Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD})
_VARIABLE: Final = frozenset({Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD})


@dataclass(frozen=True)
class Plan:
    """How the arguments of one function are stored and passed again.

    Attributes:
        signature: of the function, without a first parameter that is not stored.
        converters: by parameter; ``*args`` is one list, ``**kwargs`` one dict, by their names.
        required: names without a default.
        is_simple: whether every argument may be passed by keyword.
        text: the signature for messages.
    """

    signature: inspect.Signature
    converters: Mapping[str, Converter]
    required: frozenset[str]
    names: frozenset[str]
    is_simple: bool
    var_positional: str | None
    var_keyword: str | None
    text: str

    @classmethod
    def of(cls, function: Callable[..., Any], skip_first: bool) -> Plan:
        """Compile the parameters of ``function``.

        Raises:
            InvalidJob: a type hint cannot be resolved.
        """
        signature = signature_of(function)
        parameters = list(signature.parameters.values())[1 if skip_first else 0 :]
        compiler = Compiler()
        converters = {one.name: _compile(one, function, compiler) for one in parameters}
        kinds = {one.kind: one.name for one in parameters}
        fixed = [one for one in parameters if one.kind not in _VARIABLE]
        return cls(
            signature=signature.replace(
                parameters=parameters, return_annotation=inspect.Signature.empty
            ),
            converters=converters,
            required=frozenset(one.name for one in fixed if one.default is Parameter.empty),
            names=frozenset(converters),
            is_simple=kinds.keys() <= {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY},
            var_positional=kinds.get(Parameter.VAR_POSITIONAL),
            var_keyword=kinds.get(Parameter.VAR_KEYWORD),
            text=_describe(function, parameters, converters),
        )

    def encode(self, arguments: Mapping[str, Any], room: int) -> dict[str, Any]:
        """Encode bound arguments, each with ``room`` levels of nesting."""
        converters, encoded = self.converters, {}
        for name, value in arguments.items():
            try:
                encoded[name] = converters[name].encode(value, room)
            except Problem as problem:
                problem.inside(f".{name}")
                raise
        return encoded

    def decode(self, params: Any) -> dict[str, Any]:
        """Decode stored arguments by parameter name."""
        if type(params) is not dict:
            raise mismatch("a dict of arguments", params)
        missing = self.required - params.keys()
        if missing:
            raise Problem(f"misses {', '.join(map(repr, sorted(missing)))}")
        values: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, stored in params.items():
            converter = self.converters.get(name)
            if converter is None:
                extra[name] = stored
                continue
            try:
                values[name] = converter.decode(stored, False)
            except Problem as problem:
                problem.inside(f".{name}")
                raise
        if extra:
            self._take_extra(values, extra)
        return values

    def call(self, values: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Split decoded values into positional and keyword arguments."""
        if self.is_simple:
            return (), values
        named = dict(values)
        rest = named.pop(self.var_positional, ()) if self.var_positional else ()
        more = named.pop(self.var_keyword, {}) if self.var_keyword else {}
        args = [*self._positional(named, has_rest=bool(rest)), *rest]
        if not named.keys().isdisjoint(more):
            twice = sorted(named.keys() & more.keys())
            raise Problem(f"has {', '.join(map(repr, twice))} twice")
        return tuple(args), {**named, **more}

    def _positional(self, named: dict[str, Any], *, has_rest: bool) -> list[Any]:
        """Take out of ``named`` what can only be passed by position."""
        parameters = [one for one in self.signature.parameters.values() if one.kind in _POSITIONAL]
        count = len(parameters)
        if not has_rest:
            while count and not self._needs_position(parameters[count - 1], named):
                count -= 1
        # A gap is filled with its default: deploying added a parameter with one.
        return [named.pop(one.name, one.default) for one in parameters[:count]]

    @staticmethod
    def _needs_position(parameter: Parameter, named: Mapping[str, Any]) -> bool:
        return parameter.kind is Parameter.POSITIONAL_ONLY and parameter.name in named

    def _take_extra(self, values: dict[str, Any], extra: dict[str, Any]) -> None:
        """Give arguments without a parameter to ``**kwargs``: the parameter was removed."""
        if self.var_keyword is None:
            problem = Problem("the function has no such parameter")
            problem.inside(at_key(min(extra)))
            raise problem
        more = self.converters[self.var_keyword].decode(extra, False)
        values[self.var_keyword] = {**more, **values.get(self.var_keyword, {})}


def _compile(parameter: Parameter, function: Callable[..., Any], compiler: Compiler) -> Converter:
    try:
        hint = resolve(parameter.annotation, function)
        converter = compiler.compile(hint)
    except UnresolvableHint as error:
        raise InvalidJob(
            f"{_name(function)}: the type hint of parameter {parameter.name!r} cannot be "
            f"resolved: {error}"
        ) from error
    if is_unpacked(hint):  # **options: Unpack[Options] describes all of them
        return converter
    if parameter.kind is Parameter.VAR_POSITIONAL:
        return tuple_of(converter)
    if parameter.kind is Parameter.VAR_KEYWORD:
        return dict_of(PLAIN_KEY, converter)
    return converter


def _describe(
    function: Callable[..., Any], parameters: list[Parameter], converters: Mapping[str, Converter]
) -> str:
    """The signature with resolved hints; long defaults are left out."""
    without_hints = inspect.Signature(
        [
            one.replace(
                annotation=_Words(converters[one.name].label),
                default=one.default if one.default is Parameter.empty else _Words("…"),
            )
            for one in parameters
        ]
    )
    return f"{_name(function)}{without_hints}"


class _Words(str):
    """A text that prints without quotes in a signature."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", "job")
