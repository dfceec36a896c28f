"""What a page knows of a row, or a request, beside its own attributes.

Django hands columns nothing but the row, and actions nothing but the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest

ValueT = TypeVar("ValueT")


class Beside(Generic[ValueT]):
    """A place for one value, as in ``PICTURE: Final = Beside[Picture]("picture")``."""

    def __init__(self, name: str) -> None:
        self._attribute = f"_jobs_{name}"

    def put(self, holder: Model | HttpRequest, value: ValueT) -> None:
        """Keep the value for as long as the row or the request lives."""
        setattr(holder, self._attribute, value)

    def of(self, holder: Model | HttpRequest) -> ValueT:
        """The value, which must have been put there."""
        value: ValueT = getattr(holder, self._attribute)
        return value

    def first(self, holder: Model | HttpRequest, value: ValueT) -> ValueT:
        """The value that is there; the given one, which is kept, if there is none yet."""
        if not hasattr(holder, self._attribute):
            self.put(holder, value)
        return self.of(holder)
