"""Reading type hints: of a function, of a class, through every wrapper that typing has."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, TypeVar, get_args, get_origin

_QUALIFIERS: Final = frozenset({"Required", "NotRequired", "ReadOnly", "Final", "Unpack"})


class UnresolvableHint(Exception):
    """A type hint names something that does not exist where it is looked up."""


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of ``function``, its annotations perhaps still unresolved."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def resolve(annotation: Any, function: Callable[..., Any]) -> Any:
    """Turn an annotation of ``function`` into a type; texts are evaluated where it is defined.

    Each is resolved alone: the context parameter may have a hint for type checkers only.

    Raises:
        UnresolvableHint: the text names something unknown.
    """
    if annotation is inspect.Parameter.empty:
        return Any
    innermost = inspect.unwrap(function)
    holder = SimpleNamespace(__annotations__={"hint": annotation})
    type_parameters = {one.__name__: one for one in getattr(innermost, "__type_params__", ())}
    return _hints(holder, getattr(innermost, "__globals__", {}), type_parameters)["hint"]


def fields_of(kind: Any, arguments: tuple[Any, ...] = ()) -> dict[str, Any]:
    """The resolved hints of a class; ``arguments`` replace the type variables of a generic one.

    Raises:
        UnresolvableHint: a hint names something unknown.
    """
    hints = _hints(kind)
    variables = getattr(kind, "__parameters__", ())
    known = dict(zip(variables, arguments, strict=False))
    return {name: substitute(hint, known) for name, hint in hints.items()}


def substitute(hint: Any, known: dict[Any, Any]) -> Any:
    """Replace the type variables in ``hint``."""
    if not known:
        return hint
    if isinstance(hint, TypeVar):
        return known.get(hint, Any)
    variables = getattr(hint, "__parameters__", ())
    if not variables or get_origin(hint) is None:
        return hint
    return hint[tuple(known.get(one, Any) for one in variables)]


def unwrap(hint: Any) -> Any:
    """Take off ``Annotated``, ``NewType``, ``Required`` and their like."""
    while True:
        if hasattr(hint, "__supertype__"):  # NewType
            hint = hint.__supertype__
        elif get_origin(hint) is typing.Annotated or _qualifier(hint):
            hint = get_args(hint)[0]
        else:
            return hint


def is_alias(hint: Any) -> bool:
    """Whether ``hint`` is a ``type X = …`` statement, or its backport's."""
    return type(hint).__name__ == "TypeAliasType"


def value_of(alias: Any) -> Any:
    """What a ``type X = …`` statement says; texts in it are evaluated in its module.

    Raises:
        UnresolvableHint: it names something unknown.
    """
    try:
        holder = SimpleNamespace(__annotations__={"hint": alias.__value__})
    except NameError as error:  # the statement evaluates its value at the first look
        raise UnresolvableHint(f"{error} (in {alias.__name__})") from error
    names = vars(sys.modules[alias.__module__]) if alias.__module__ in sys.modules else {}
    return _hints(holder, names)["hint"]


def required_keys(kind: Any, hints: dict[str, Any]) -> frozenset[str]:
    """The keys that a ``TypedDict`` must have.

    Its own ``__required_keys__`` misses qualifiers in annotations that are still texts.
    """
    return frozenset(name for name, hint in hints.items() if _is_required(kind, name, hint))


def _is_required(kind: Any, name: str, hint: Any) -> bool:
    while True:
        qualifier = _qualifier(hint)
        if qualifier in {"Required", "NotRequired"}:
            return qualifier == "Required"
        if not qualifier and get_origin(hint) is not typing.Annotated:
            return name in kind.__required_keys__
        hint = get_args(hint)[0]


def has_init_only_fields(hints: dict[str, Any]) -> bool:
    """Whether a dataclass takes values that it does not keep."""
    return any(
        hint is dataclasses.InitVar or isinstance(hint, dataclasses.InitVar)
        for hint in hints.values()
    )


def _qualifier(hint: Any) -> str:
    name = getattr(get_origin(hint), "_name", None)
    return name if name in _QUALIFIERS else ""


def _hints(
    holder: Any,
    names: dict[str, Any] | None = None,
    type_parameters: dict[str, Any] | None = None,
) -> dict[str, Any]:
    try:
        return typing.get_type_hints(holder, names, type_parameters, include_extras=True)
    except Exception as error:  # evaluating a hint may raise anything
        where = f" (in {holder.__qualname__})" if isinstance(holder, type) else ""
        raise UnresolvableHint(f"{error}{where}") from error


def is_unpacked(hint: Any) -> bool:
    """Whether ``hint`` is ``Unpack[…]``, as ``**kwargs`` may have."""
    return _qualifier(hint) == "Unpack"
