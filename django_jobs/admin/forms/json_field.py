"""A text area for JSON of any kind; what the parser cannot swallow becomes a message."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.shared.shown import printable


class Absent:
    """Nothing was typed, which is not the same as ``null``."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
_SHOWN: Final = 60


class JSONTextField(forms.Field):
    """JSON as a person types it. Its initial value is a text, too.

    Args:
        takes_words: whether what is no JSON is a text without its quotes, as dates and names are.
    """

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60, "class": "vLargeTextField jobs-code"})
    empty_values = [ABSENT]

    def __init__(self, *, takes_words: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._takes_words = takes_words

    def to_python(self, value: Any) -> Any:
        """Read it; nothing at all is :data:`ABSENT`."""
        text = "" if value is None else str(value)
        if not text.strip():
            return ABSENT
        try:
            return json.loads(text, parse_constant=_refuse, object_pairs_hook=_without_twins)
        except json.JSONDecodeError as error:
            if self._takes_words:
                return text
            raise ValidationError(
                _("This is no JSON (line %(line)d, column %(column)d): %(problem)s."),
                code="invalid",
                params={"line": error.lineno, "column": error.colno, "problem": error.msg},
            ) from error
        except RecursionError as error:
            raise ValidationError(_("This JSON nests too deep."), code="invalid") from error
        except ValueError as error:  # a number of too many digits, NaN, a key twice
            raise ValidationError(
                _("This JSON cannot be used: %(problem)s."),
                code="invalid",
                params={"problem": str(error)[:200]},
            ) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether it means something else than before."""
        try:
            before, after = self.to_python(initial), self.to_python(data)
        except ValidationError:
            return True
        if before is ABSENT or after is ABSENT:
            return before is not after
        # As texts, in which 1, 1.0 and true differ.
        return json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True)

    def prepare_value(self, value: Any) -> Any:
        """Of a lone surrogate no page can be made; it is shown as its escape."""
        return printable(value) if isinstance(value, str) else value


def pretty_text(value: Any) -> str:
    """JSON to be edited: short lists on one line, the rest with indentation."""
    line = json.dumps(value, ensure_ascii=False)
    text = line if len(line) <= _SHOWN else json.dumps(value, indent=2, ensure_ascii=False)
    return printable(text)


def short_text(value: Any) -> str:
    """JSON to be looked at, cut where it gets long."""
    text = json.dumps(value, ensure_ascii=False)
    return printable(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number that JSON knows")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is there twice")
    return made
