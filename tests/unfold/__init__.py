"""The admin under django-unfold, which needs settings of its own."""

from __future__ import annotations

import pytest
from django.apps import apps


def skip_without_unfold() -> None:
    """Leave a module out, and say how it is tried."""
    if not apps.is_installed("unfold"):
        pytest.skip(
            "NO UNFOLD: uv run --group unfold pytest --database sqlite "
            "--ds tests.unfold.settings tests/unfold",
            allow_module_level=True,
        )
