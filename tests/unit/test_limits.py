"""The size of arguments: what is told without writing them out is never told too small."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jobs.exceptions import PayloadTooLarge
from django_jobs.validation import check_size, size_of

texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.text('\x01\x1f"\\é𝄞')
)


@given(st.dictionaries(texts, scalars))
def test_the_limit_is_exact(stored: dict[str, Any]) -> None:
    check_size(stored, size_of(stored), "params", "PAYLOAD_MAX_BYTES")
    with pytest.raises(PayloadTooLarge):
        check_size(stored, size_of(stored) - 1, "params", "PAYLOAD_MAX_BYTES")


@pytest.mark.parametrize(
    "stored", ["x" * 99, ["x" * 99], {"a": ["x" * 99]}, {"a": {"b": "x" * 99}}]
)
def test_other_shapes(stored: Any) -> None:
    with pytest.raises(PayloadTooLarge, match="params"):
        check_size(stored, 100, "params", "PAYLOAD_MAX_BYTES")
