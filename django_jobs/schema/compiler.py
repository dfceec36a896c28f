"""From a type hint to its converter."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections import abc
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, ForwardRef, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

from django_jobs.schema import pydantic_models
from django_jobs.schema.choices import enumeration, literal
from django_jobs.schema.containers import dict_of, list_of, set_of, tuple_of, tuple_with
from django_jobs.schema.converter import Converter, KeyForm, opaque
from django_jobs.schema.hints import (
    fields_of,
    has_init_only_fields,
    is_alias,
    required_keys,
    substitute,
    unwrap,
    value_of,
)
from django_jobs.schema.moments import MOMENTS
from django_jobs.schema.plain import PLAIN, PLAIN_KEY
from django_jobs.schema.records import dataclass_of, named_tuple_of, typed_dict_of
from django_jobs.schema.scalars import SCALARS
from django_jobs.schema.texts import TEXTS
from django_jobs.schema.unions import optional, union_of

_FIXED: Final[dict[Any, Converter]] = {
    **SCALARS,
    **MOMENTS,
    **TEXTS,
    None: SCALARS[type(None)],
    Any: PLAIN,
    object: PLAIN,
    typing.NoReturn: PLAIN,
    typing.Never: PLAIN,
}
_LISTS: Final = frozenset({list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable})
_SETS: Final = frozenset({set, abc.Set, abc.MutableSet})
_DICTS: Final = frozenset({dict, abc.Mapping, abc.MutableMapping})
_ROOM_OF_CONSTANTS: Final = 100


class Compiler:
    """Compiles the hints of one function; every class and alias once, also recursive ones."""

    def __init__(self) -> None:
        self._made: dict[Any, Converter] = {}

    def compile(self, hint: Any) -> Converter:
        """Return the converter of ``hint``; one that refuses every value if it has none.

        Raises:
            UnresolvableHint: the hint of a field names something unknown.
        """
        hint = unwrap(hint)
        if isinstance(hint, TypeVar | ParamSpec | ForwardRef):
            return PLAIN  # a forward reference that is left over is a recursive alias
        kind, arguments = get_origin(hint) or hint, get_args(hint)
        if type(kind).__hash__ is None:
            return opaque(f"the hint {type(kind).__name__}")
        if is_alias(kind):
            return self._compile_alias(kind, arguments)
        if kind is Union or kind is types.UnionType:
            return self._compile_union(arguments)
        if kind is Literal:
            return literal(arguments, self._encode_constant)
        if kind in _FIXED:
            return _FIXED[kind]
        return self._compile_container(hint, kind, arguments) or self._compile_class(
            kind, arguments
        )

    def _compile_alias(self, alias: Any, arguments: tuple[Any, ...]) -> Converter:
        known = dict(zip(alias.__type_params__, arguments, strict=False))
        return self._once(
            (alias, repr(arguments)),
            alias.__name__,
            lambda: self.compile(substitute(value_of(alias), known)),
        )

    def _compile_union(self, members: tuple[Any, ...]) -> Converter:
        others = [self.compile(one) for one in members if one is not type(None)]
        whole = others[0] if len(others) == 1 else union_of(others)
        return whole if len(others) == len(members) else optional(whole)

    def _compile_container(
        self, hint: Any, kind: Any, arguments: tuple[Any, ...]
    ) -> Converter | None:
        if kind is tuple:
            return self._compile_tuple(arguments, is_empty=hint == tuple[()])
        if kind in _LISTS:
            return list_of(self._item(arguments, 0))
        if kind in _SETS:
            return set_of(self._item(arguments, 0), set)
        if kind is frozenset:
            return set_of(self._item(arguments, 0), frozenset)
        if kind in _DICTS:
            return self._compile_dict(arguments)
        return None

    def _compile_tuple(self, arguments: tuple[Any, ...], *, is_empty: bool) -> Converter:
        if is_empty:
            return tuple_with([])
        if not arguments:
            return tuple_of(PLAIN)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple_of(self.compile(arguments[0]))
        if any(get_origin(one) is typing.Unpack for one in arguments):
            return opaque("tuple[*…]", "has no schema here")
        return tuple_with([self.compile(one) for one in arguments])

    def _compile_dict(self, arguments: tuple[Any, ...]) -> Converter:
        key = self._item(arguments, 0)
        if key is PLAIN:
            key = PLAIN_KEY
        if key.key_form is KeyForm.NONE:
            return opaque(f"dict[{key.label}, …]", "has keys without a text form")
        return dict_of(key, self._item(arguments, 1))

    def _compile_class(self, kind: Any, arguments: tuple[Any, ...]) -> Converter:
        label = getattr(kind, "__qualname__", None) or str(kind)
        if not isinstance(kind, type):
            return opaque(label)
        build = self._builder(kind, arguments)
        if build is None:
            return opaque(label)
        return self._once((kind, repr(arguments)), label, build)

    def _builder(self, kind: Any, arguments: tuple[Any, ...]) -> Callable[[], Converter] | None:
        if issubclass(kind, Enum):
            return lambda: enumeration(kind, self._encode_constant)
        if pydantic_models.is_model(kind):
            return lambda: pydantic_models.model_of(kind)
        if issubclass(kind, dict) and hasattr(kind, "__required_keys__"):
            return lambda: self._compile_typed_dict(kind, arguments)
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return lambda: self._compile_named_tuple(kind, arguments)
        if dataclasses.is_dataclass(kind):
            return lambda: self._compile_dataclass(kind, arguments)
        return None

    def _compile_dataclass(self, kind: Any, arguments: tuple[Any, ...]) -> Converter:
        hints = fields_of(kind, arguments)
        if has_init_only_fields(hints):
            return opaque(kind.__qualname__, "has InitVar fields, which cannot be read back")
        if not kind.__dataclass_params__.init:
            return opaque(kind.__qualname__, "has a constructor of its own (init=False)")
        taken = [one.name for one in dataclasses.fields(kind) if one.init]
        return dataclass_of(kind, {name: self.compile(hints[name]) for name in taken})

    def _compile_named_tuple(self, kind: Any, arguments: tuple[Any, ...]) -> Converter:
        hints = fields_of(kind, arguments)
        return named_tuple_of(
            kind, {name: self.compile(hints.get(name, Any)) for name in kind._fields}
        )

    def _compile_typed_dict(self, kind: Any, arguments: tuple[Any, ...]) -> Converter:
        hints = fields_of(kind, arguments)
        converters = {name: self.compile(hint) for name, hint in hints.items()}
        return typed_dict_of(kind, converters, required_keys(kind, hints))

    def _item(self, arguments: tuple[Any, ...], position: int) -> Converter:
        return self.compile(arguments[position]) if arguments else PLAIN

    def _encode_constant(self, value: Any) -> Any:
        """Encode a value of an enum or ``Literal`` by its own type."""
        return self.compile(type(value)).encode(value, _ROOM_OF_CONSTANTS)

    def _once(self, key: Any, label: str, build: Callable[[], Converter]) -> Converter:
        """Build the converter of ``key`` at the first call.

        What ``build`` needs of ``key`` itself gets the unfinished converter: it works when used.
        """
        if key in self._made:
            return self._made[key]
        made = Converter(
            label,
            lambda value, room: made.encode(value, room),
            lambda stored, exact: made.decode(stored, exact),
        )
        self._made[key] = made
        built = build()
        made.label, made.key_form = built.label, built.key_form
        made.encode, made.decode = built.encode, built.decode
        return made
