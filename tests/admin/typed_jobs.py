"""Jobs with a parameter of each kind, for the forms that are made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType
from uuid import UUID

from django.db.models import TextChoices

from django_jobs import JobContext, job


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(TextChoices):
    SMALL = "s", "Small one"
    LARGE = "l", "Large one"


class Rights(Flag):
    READ = 1
    WRITE = 2


@dataclass
class Order:
    number: int
    token: str = ""


class Range(NamedTuple):
    """Bounds, as annotated_types has them."""

    ge: int | None = None
    le: int | None = None


Rank = NewType("Rank", int)


@job(name="typed.kinds", sensitive=("pin",), queue="reports")
def kinds(
    context: JobContext,
    whole: int,
    real: float = 0.5,
    exact: Decimal = Decimal("1.50"),
    flag: bool = True,
    text: str = "plain",
    lines: str = "one\ntwo",
    prose: Annotated[str, "multiline"] = "",
    day: date | None = None,
    moment: datetime | None = None,
    clock: time | None = None,
    length: timedelta = timedelta(minutes=5),
    colour: Colour = Colour.RED,
    size: Size | None = None,
    way: Literal["up", "down", 3] = "up",
    maybe: bool | None = None,
    limit: int | None = 10,
    rank: Rank = Rank(1),
    grade: Annotated[int, Range(1, 6)] = 1,
    key: UUID | None = None,
    path: Path | None = None,
    numbers: list[int] | None = None,
    order: Order | None = None,
    rights: Rights | None = None,
    mixed: int | str = 0,
    anything: Any = None,
    pin: str = "0000",
    secret: int = 7,
    *rest: int,
    odd: {1: 1} = None,  # type: ignore[valid-type]
    **more: str,
) -> None:
    """Take one of each kind.

    Whatever it is, nothing is done with it.

    Args:
        whole: how many
            <b>there</b> are.
        *rest: more of them.

    Returns:
        nothing: at all.
    """


@job(name="typed.needs")
def needs(
    text: str, moment: datetime, colour: Colour, flag: bool, items: list[int], maybe: int | None
) -> None:
    """Leave nothing out."""


@job(name="typed.user")
def about_user(user_id: int, group_id: int | None = None, usher_id: int = 0) -> None:
    """Look after a user."""


@job(name="typed.users")
def about_users(users: list[int], note: str = "") -> None:
    """Look after some users at once."""


@job(name="typed.text_pk")
def about_text(object_id: str) -> None:
    """Take the key as a text."""


@job(name="typed.nothing")
def takes_nothing() -> None:
    pass


@job(name="typed.unresolvable")
def unresolvable(thing: NoSuchThing) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Cannot be enqueued."""
