"""Any order of events: every store against a plain model of what it promises.

``RUNJOBS_TESTS_EXAMPLES=2000`` makes it search longer, each time somewhere else.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from django_jobs.stores.base import Store
from tests.machine.events import StoreMachine
from tests.scenes import Configure

EXAMPLES = int(os.environ.get("RUNJOBS_TESTS_EXAMPLES", "0"))

SEARCH = settings(
    max_examples=EXAMPLES or 20,
    stateful_step_count=50,
    # The same examples in every run, unless more were asked for: then a failure prints its seed.
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.fault("F51")
# Finding the shortest way to a failure takes minutes.
@pytest.mark.timeout(600)
def test_any_order_of_events(store: Store, configure: Configure) -> None:
    configure(CRASH_LIMIT=2)  # so that some get there
    run_state_machine_as_test(lambda: StoreMachine(store), settings=SEARCH)
