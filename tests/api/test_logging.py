"""What a job says reaches the log as text: no line of its own, no word to a terminal."""

from __future__ import annotations

import pytest

from tests import jobs
from tests.scenes import work

FORGED = "no luck\nERROR root: the database is gone\r\x1b[2J\x1b[31m\u202e\x85\u2028"


@pytest.mark.django_db
def test_an_error_forges_no_line_and_moves_no_cursor(caplog: pytest.LogCaptureFixture) -> None:
    jobs.fail_once.later(FORGED)
    work()
    (record,) = [one for one in caplog.records if "gave up" in one.getMessage()]
    first, *further = record.getMessage().split("\n")
    assert "gave up after attempt 1: ValueError: no luck" in first
    assert all(line.startswith("  ") for line in further)
    assert all(line.isprintable() for line in (first, *further))
    assert any("ERROR root" in line for line in further), "the traceback is all there"
