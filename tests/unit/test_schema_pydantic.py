"""Pydantic models as arguments and results."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import pytest

from django_jobs.exceptions import InvalidArguments, NotSerializable, PayloadTooDeep
from django_jobs.schema import ParamsSchema, ResultSchema

pydantic = pytest.importorskip("pydantic")

SECRET = "hunter2"
ID = UUID("0190e5a4-7a3c-7cc0-8000-000000000001")
T = TypeVar("T")


class Line(pydantic.BaseModel):
    sku: str
    price: Decimal
    amount: float = 1.0


class Order(pydantic.BaseModel):
    id: UUID
    at: datetime
    lines: list[Line] = []
    note: str | None = None


class Aliased(pydantic.BaseModel):
    item_id: int = pydantic.Field(alias="itemId")
    line: Line = pydantic.Field(validation_alias="theLine")


class Numbers(pydantic.RootModel[list[int]]):
    pass


class Page(pydantic.BaseModel, Generic[T]):
    items: list[T]


class Computed(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    side: int

    @pydantic.computed_field
    @property
    def area(self) -> int:
        return self.side**2


class Cat(pydantic.BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(pydantic.BaseModel):
    kind: Literal["dog"] = "dog"


class Lossy(pydantic.BaseModel):
    anything: Any
    hidden: int = pydantic.Field(default=0, exclude=True)


class Checked(pydantic.BaseModel):
    word: str

    @pydantic.field_validator("word")
    @classmethod
    def check(cls, word: str) -> str:
        if word == SECRET:
            raise ValueError(f"{word} is no word")
        return word


class Nested(pydantic.BaseModel):
    inner: Nested | None = None


@dataclass
class Wrapper:
    order: Order


def schema_of(hint: Any) -> ParamsSchema:
    def sample(a):
        raise AssertionError("never called")

    sample.__annotations__ = {"a": hint}
    return ParamsSchema.of(sample, skip_first=False)


LINE = Line(sku="x", price=Decimal("1.10"))
ORDER = Order(id=ID, at=datetime(2026, 1, 1, tzinfo=UTC), lines=[LINE])


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Line, Line(sku="x", price=Decimal(1), amount=1e300)),
        (Order, ORDER),
        (Order | None, None),
        (list[Order], [ORDER]),
        (dict[UUID, Order], {ID: ORDER}),
        (Wrapper, Wrapper(ORDER)),
        (Aliased, Aliased(itemId=5, theLine=LINE)),
        (Numbers, Numbers([1, 2])),
        (Page[UUID], Page[UUID](items=[ID])),
        (Computed, Computed(side=2)),
        (Cat | Dog, Dog()),
        (Dog | str, "dog"),
    ],
)
def test_models_come_out_equal(hint: Any, value: Any) -> None:
    schema = schema_of(hint)
    stored = json.loads(json.dumps(schema.bind((), {"a": value}), allow_nan=False))
    back = schema.decode(stored)[1]["a"]
    assert type(back) is type(value)
    assert back == value


def test_models_are_results_too() -> None:
    def sample() -> Order: ...

    schema = ResultSchema.of(sample)
    assert schema.decode(schema.encode(ORDER)) == ORDER


class Special(Line):
    extra: int = 0


@pytest.mark.parametrize(
    ("hint", "value", "error", "message"),
    [
        (Line, {"sku": "x"}, InvalidArguments, "params.a: expected Line, got dict"),
        (Line, Special(sku="x", price=Decimal(1)), InvalidArguments, "expected Line, got Special"),
        (Lossy, Lossy(anything=1, hidden=2), NotSerializable, "does not come back equal"),
        (Lossy, Lossy(anything=ID), NotSerializable, "does not come back equal"),
        (Lossy, Lossy(anything=object()), NotSerializable, "Lossy cannot be dumped"),
        (Lossy, Lossy(anything=float("nan")), NotSerializable, "does not come back equal"),
        (list[Lossy], [Lossy(anything=["\0"])], InvalidArguments, "params.a[0]['anything'][0]: "),
    ],
)
def test_models_that_would_change_are_refused(
    hint: Any, value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        schema_of(hint).bind((), {"a": value})
    assert message in str(caught.value)


def test_deep_and_circular_models_are_refused() -> None:
    model = Nested()
    for _ in range(60):
        model = Nested(inner=model)
    with pytest.raises(PayloadTooDeep):
        schema_of(Nested).bind((), {"a": model})
    model.inner = model
    with pytest.raises(NotSerializable, match="cannot be dumped"):
        schema_of(Nested).bind((), {"a": model})


@pytest.mark.parametrize(
    ("hint", "stored", "message"),
    [
        (Line, {"sku": 5, "price": "1"}, "params.a: Line refused the value: sku: string_type"),
        (Line, {}, "params.a: Line refused the value: sku: missing; price: missing"),
        (Checked, {"word": SECRET}, "params.a: Checked refused the value: word: value_error"),
        (Line, 5, "params.a: Line refused the value: the model: model_type"),
    ],
)
def test_stored_models_that_no_longer_fit_are_named_without_values(
    hint: Any, stored: Any, message: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        schema_of(hint).decode({"a": stored})
    assert str(caught.value).startswith(message)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
