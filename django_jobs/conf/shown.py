"""How messages show a value."""

from __future__ import annotations


def shown(value: object) -> str:
    """A short ``repr``, also of values that have none."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - huge integers and foreign classes raise what they like
        return f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}…"
