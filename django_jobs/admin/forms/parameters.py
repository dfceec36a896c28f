"""The parameters of a job as a form sees them: what they take, by default, and what about."""

from __future__ import annotations

import re
import types
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import cached_property
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from django.utils.translation import gettext as _

from django_jobs.admin.forms.json_field import short_text
from django_jobs.redaction import sensitive_keys
from django_jobs.schema.hints import is_alias, is_unpacked, resolve, unwrap, value_of

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition
    from django_jobs.schema.converter import Converter

_VARIABLE: Final = frozenset({Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD})
_SECTION: Final = re.compile(r"^(?:Args|Arguments|Parameters):\s*$")
_ENTRY: Final = re.compile(r"^\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")


@dataclass(frozen=True, slots=True)
class Hint:
    """A type hint without its wrappers.

    Attributes:
        kind: a class, ``Literal``, ``Union`` of several types, or whatever else it is.
        arguments: those of a generic one.
        is_optional: whether ``None`` is allowed beside it.
        marks: what ``Annotated`` adds to it.
    """

    kind: Any
    arguments: tuple[Any, ...] = ()
    is_optional: bool = False
    marks: tuple[Any, ...] = ()

    @classmethod
    def of(cls, hint: Any) -> Hint:
        """Take the wrappers off a hint."""
        marks: tuple[Any, ...] = ()
        is_optional = False
        while True:
            if get_origin(hint) is Annotated:
                marks += hint.__metadata__
                hint = get_args(hint)[0]
            elif (bare := unwrap(hint)) is not hint:
                hint = bare
            elif is_alias(hint):
                hint = value_of(hint)
            elif (only := _beside_none(hint)) is not None:
                hint, is_optional = only, True
            else:
                members = get_args(hint)
                is_optional |= _is_union(hint) and type(None) in members
                kind = get_origin(hint) or hint
                # A hint may be anything, a dict for one.
                kind = Any if type(kind).__hash__ is None else kind
                return cls(kind, members, is_optional, marks)


@dataclass(frozen=True)
class JobParameter:
    """One parameter of a job.

    Attributes:
        converter: the schema's; it decides what is allowed.
        default: ``Parameter.empty`` if there is none.
        is_variable: whether it is ``*args`` or ``**kwargs``, written as one list or object.
        is_sensitive: whether its value is never shown.
        about: what the docstring says of it.
    """

    name: str
    hint: Hint
    converter: Converter
    default: Any
    is_variable: bool
    is_sensitive: bool
    about: str

    @property
    def has_default(self) -> bool:
        """Whether it may be left out."""
        return self.is_variable or self.default is not Parameter.empty

    @cached_property
    def default_text(self) -> str:
        """The default in words; empty where there is none, or where it is a secret."""
        if self.is_variable or self.is_sensitive or not self.has_default:
            return ""
        if self.default is None:
            return _("none")
        if isinstance(self.default, Enum):
            return str(getattr(self.default, "label", self.default.name))
        if isinstance(self.default, timedelta):
            return str(self.default)
        try:
            return short_text(self.converter.encode(self.default, 20))
        except Exception:  # noqa: BLE001 - a default that has no JSON form is shown by its type
            return f"<{type(self.default).__name__}>"


def parameters_of(definition: JobDefinition[Any, Any]) -> list[JobParameter]:
    """The parameters that a caller gives, in order.

    Raises:
        InvalidJob: a type hint cannot be resolved.
    """
    plan = definition.schema.plan
    secret = sensitive_keys(definition.name)
    about = parts_about(definition.description)
    return [
        JobParameter(
            name=one.name,
            hint=_hint(one, definition),
            converter=plan.converters[one.name],
            default=one.default,
            is_variable=one.kind in _VARIABLE,
            is_sensitive=one.name in secret,
            about=about.get(one.name, ""),
        )
        for one in plan.signature.parameters.values()
    ]


def parts_about(docstring: str) -> dict[str, str]:
    """What the section ``Args:`` of a docstring says, by parameter."""
    found: dict[str, str] = {}
    name, indent = "", 0
    lines = iter(docstring.splitlines())
    for line in lines:
        if _SECTION.match(line):
            break
    for line in lines:
        text = line.strip()
        depth = len(line) - len(line.lstrip())
        if text and not depth:
            break  # the next section
        entry = _ENTRY.match(text)
        if entry and (not name or depth <= indent):
            name, indent = entry[1], depth
            found[name] = entry[2]
        elif name and text:
            found[name] = f"{found[name]} {text}".strip()
    return found


def _hint(parameter: Parameter, definition: JobDefinition[Any, Any]) -> Hint:
    hint = resolve(parameter.annotation, definition.function)
    if parameter.kind in _VARIABLE or is_unpacked(hint):
        return Hint(Any)
    return Hint.of(hint)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _beside_none(hint: Any) -> Any:
    """``X`` of ``X | None``."""
    if not _is_union(hint):
        return None
    others = [one for one in get_args(hint) if one is not type(None)]
    return others[0] if len(others) == 1 < len(get_args(hint)) else None
