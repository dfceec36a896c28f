"""What ``@job(sensitive=…)`` and the patterns keep out of errors, lines and logs."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from django_jobs.models import Job, JobLog
from django_jobs.registry import registry
from django_jobs.sensitive import HIDDEN
from django_jobs.stores.records import ClaimedJob
from tests.jobs import careless, pay, pay_at_last
from tests.scenes import Configure, claim_one, last_transition, work, worked

pytestmark = pytest.mark.django_db

CARD = "4111-1111-canary"


def test_the_job_itself_gets_what_it_was_given() -> None:
    done = worked(pay.later(card=CARD, region="CA"))
    assert done.params == {"card": CARD, "region": "CA"}
    assert done.result == {"card": CARD, "echo": f"paid by {CARD}", "region": "CA"}


@pytest.mark.parametrize("how", ["raise", "chain", "group", "retry", "discard", "cancel"])
def test_whatever_it_raises_is_stored_and_told_without(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "django_jobs")
    job = worked(pay.later(card=CARD, region="CA", how=how))
    transition = last_transition(job)
    texts = [job.error, transition.error, transition.reason, caplog.text]
    assert not [text for text in texts if CARD in text]
    assert HIDDEN in transition.reason


def test_progress_and_lines_are_kept_without() -> None:
    assert worked(pay.later(card=CARD, how="progress")).progress_message == f"charging {HIDDEN}"
    worked(pay.later(card=CARD, region="CA", how="log"))
    line = JobLog.objects.get()
    assert line.message == f"charging {HIDDEN}"
    assert line.data == {"card": HIDDEN, "note": HIDDEN, "region": "CA"}


@pytest.mark.parametrize("persist", [True, False])
def test_now_reports_without_and_gives_the_exception_as_it_is(persist: bool) -> None:
    result = pay.using(persist=persist).now(card=CARD, region="CA", how="raise")
    assert result.error == f"ValueError: {HIDDEN} of CA is refused"
    assert CARD in str(result.exception)
    assert CARD not in repr(result)


def test_what_the_job_removed_from_its_arguments_is_hidden_all_the_same() -> None:
    worked(careless.later(order={"password": CARD, "items": [{"token": CARD}]}))
    assert CARD not in Job.objects.get().error
    assert "KeyError" in Job.objects.get().error


def test_a_backoff_that_fails_does_not_tell(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own exception hangs on the job's, which Python prints along."""

    def backoff(failures: int, error: BaseException | None) -> float:
        raise RuntimeError(f"no idea: {error}")

    definition = registry.get("tests.pay")
    options = definition.options.changed({"backoff": backoff}, ["backoff"])
    monkeypatch.setattr(definition, "options", options)
    pay.using(max_attempts=2).later(card=CARD, how="raise")
    work()
    assert "gave no usable delay (RuntimeError)" in caplog.text
    assert CARD not in caplog.text


def test_a_key_of_the_setting_is_hidden_for_every_job(configure: Configure) -> None:
    configure(SENSITIVE_KEYS=["region"])
    assert worked(pay.later(card=CARD, region="California", how="raise")).error.endswith(
        f"ValueError: {HIDDEN} of {HIDDEN} is refused\n"
    )


def test_records_do_not_show_arguments_and_results() -> None:
    """Tools that report errors print local variables."""
    pay.later(card=CARD)
    claimed: ClaimedJob = claim_one()
    assert claimed.params == {"card": CARD}
    assert CARD not in repr(claimed)
    assert CARD not in repr(pay.later(card=CARD))


def test_a_job_without_texts_looks_for_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is paid on the way of a job that ends well."""

    def fail(*args: Any) -> None:
        raise AssertionError("it was looked for secrets")

    monkeypatch.setattr("django_jobs.reporting.redactor_of", fail)
    monkeypatch.setattr("django_jobs.decision.redactor_of", fail)
    assert worked(pay.later(card=CARD)).status == "completed"


@pytest.mark.django_db(transaction=True)
def test_what_fails_after_the_commit_does_not_tell(caplog: pytest.LogCaptureFixture) -> None:
    assert worked(pay_at_last.later(card=CARD)).status == "completed"
    assert f"ValueError: {HIDDEN}" in caplog.text
    assert CARD not in caplog.text
