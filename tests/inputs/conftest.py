"""Bad inputs: each at the entry point where it comes in.

The ids of the tests carry the numbers of the list that they were drawn from: ``pytest -k D17``.
Those without a number are ours.
"""

from __future__ import annotations

from tests.commands.conftest import _without_overrides, manage

__all__ = ["_without_overrides", "manage"]
