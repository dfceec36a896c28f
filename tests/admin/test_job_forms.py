"""The form of a job's arguments: one field for each kind, and whatever people type into it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django import forms
from django.contrib.admin import site, widgets
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.contrib.auth.models import User
from django.test import RequestFactory

from django_jobs.admin.forms import EnqueueForm, JobForm
from django_jobs.admin.forms.parameters import parts_about
from django_jobs.admin.forms.pickers import Pickers
from tests.admin import typed_jobs
from tests.admin.filled import error_of, params_of, typed
from tests.scenes import Configure


def test_what_is_left_alone_is_the_default() -> None:
    assert params_of(typed(typed_jobs.kinds, whole="3")) == {"whole": 3}


GOOD = [
    ("whole", "-12", -12),
    ("whole", "9" * 400, int("9" * 400)),
    ("real", "1e3", 1000.0),
    ("exact", "2.50", "2.50"),
    ("flag", None, False),
    ("text", "  spaced ", "  spaced "),
    ("text", "<b>&amp;", "<b>&amp;"),
    ("lines", "a\r\nb", "a\nb"),
    ("prose", "a\r\nb", "a\nb"),
    ("day", "2026-02-28", "2026-02-28"),
    ("clock", "23:59:01", "23:59:01"),
    ("length", "2 01:00:00", "P2DT01H00M00S"),
    ("colour", "BLUE", "blue"),
    ("size", "LARGE", "l"),
    ("way", "'down'", "down"),
    ("way", "3", 3),
    ("maybe", "false", False),
    ("limit", "null", None),
    ("limit", "4", 4),
    ("rank", "2", 2),
    ("grade", "6", 6),
    ("key", "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000001"),
    ("path", "/tmp/x", "/tmp/x"),
    ("numbers", "[1, 2]", [1, 2]),
    ("order", '{"number": 1}', {"number": 1, "token": ""}),
    ("rights", "3", 3),
    ("mixed", '"a"', "a"),
    ("mixed", "1", 1),
    ("anything", '{"a": [null, true]}', {"a": [None, True]}),
    ("anything", "null", None),
    ("pin", "1234", "1234"),
    ("secret", "8", 8),
    ("rest", "[1, 2]", [1, 2]),
]


@pytest.mark.parametrize(("name", "text", "stored"), GOOD)
def test_what_is_typed_is_stored_as_the_job_takes_it(name: str, text: Any, stored: Any) -> None:
    values = {"whole": "3", name: text}
    if name == "rest":  # what comes before cannot be left out then
        assert params_of(typed(typed_jobs.kinds, **values))["rest"] == stored
        return
    assert params_of(typed(typed_jobs.kinds, **values))[name] == stored


def test_a_moment_is_typed_in_the_zone_of_the_user(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    form = typed(typed_jobs.kinds, whole="3", moment=("2026-07-01", "10:00"))
    assert params_of(form)["moment"] == "2026-07-01T10:00:00+02:00[Europe/Berlin]"


def test_further_keywords_are_an_object() -> None:
    form = typed(typed_jobs.kinds, whole="3", more='{"a": "b"}')
    assert params_of(form) == {"whole": 3, "more": {"a": "b"}}


BAD = [
    ("whole", "", "required"),
    ("whole", "1.5", "whole number"),
    ("whole", "x", "whole number"),
    ("whole", "9" * 5000, "whole number"),
    ("whole", "\0", "whole number"),
    ("real", "nan", "number"),
    ("real", "1e999", "number"),
    ("exact", "inf", "number"),
    ("text", "a\0b", "Null characters"),
    ("text", "\ud800", "lone surrogate"),
    ("lines", "\ud800\nb", "lone surrogate"),
    ("day", "2026-02-30", "valid date"),
    ("day", "0000-01-01", "valid date"),
    ("clock", "25:00", "valid time"),
    ("length", "soon", "valid duration"),
    ("length", "9" * 30, "days"),
    ("colour", "GREEN", "valid choice"),
    ("way", "sideways", "valid choice"),
    ("limit", "ten", "no JSON"),
    ("limit", "true", "limit: expected int"),
    ("grade", "0", "greater than or equal to 1"),
    ("grade", "7", "less than or equal to 6"),
    ("key", "x", "valid UUID"),
    ("numbers", "[1, 2", "line 1, column"),
    ("numbers", '[1, "2"]', "numbers[1]: expected int, got str"),
    ("numbers", "{}", "numbers: expected list[int]"),
    ("numbers", "NaN", "NaN"),
    ("numbers", "[" * 100_000, "nests too deep"),
    ("numbers", "1" * 5000, "cannot be used"),
    ("order", '{"number": 1, "more": 2}', "order.more: Order has no such field"),
    ("order", '{"number": 1, "number": 2}', "twice"),
    ("rights", "64", "not a value of Rights"),
    ("mixed", "[]", "mixed: expected int | str"),
    ("anything", '"\\ud800"', "lone surrogate"),
    ("anything", '"\\u0000"', "NUL"),
    ("anything", "1e999", "NaN and Infinity"),
    ("anything", "[" * 90 + "]" * 90, "PAYLOAD_MAX_DEPTH"),
    ("secret", "x", "secret: expected int, got str"),
    ("rest", "1", "rest: expected tuple"),
    ("more", '{"a": 1}', "more['a']: expected str"),
]


@pytest.mark.parametrize(("name", "text", "problem"), BAD)
def test_what_does_not_fit_is_an_error_of_its_field(name: str, text: str, problem: str) -> None:
    form = typed(typed_jobs.kinds, **{"whole": "3", name: text})
    assert problem in error_of(form, name)
    f"{form[name]}{form.errors}".encode()  # and the page with it can be sent


def test_half_a_moment_is_no_moment() -> None:
    for parts in (("2026-07-01", ""), ("", "10:00"), ("9999-99-99", "10:00"), ("\0", "\0")):
        form = typed(typed_jobs.kinds, whole="3", moment=parts)
        assert error_of(form, "moment")


def test_an_hour_that_the_clocks_skip_is_refused(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    form = typed(typed_jobs.kinds, whole="3", moment=("2026-03-29", "02:30"))
    assert "ambiguous" in error_of(form, "moment")


def test_too_much_in_all_is_an_error_of_the_form(configure: Configure) -> None:
    configure(PAYLOAD_MAX_BYTES=1024)
    form = typed(typed_jobs.kinds, whole="3", text="x" * 700, prose="x" * 700)
    assert "PAYLOAD_MAX_BYTES" in error_of(form, "__all__")


def test_what_has_no_default_must_be_there_unless_none_is_allowed() -> None:
    form = JobForm(typed_jobs.needs, {})
    assert not form.is_valid()
    assert set(form.errors) == {"text", "moment", "colour", "items"}
    form = typed(
        typed_jobs.needs, text="x", moment=("2026-01-01", "0:00"), colour="RED", items="[]"
    )
    assert params_of(form) == {
        "text": "x",
        "moment": "2026-01-01T00:00:00+00:00[UTC]",
        "colour": "red",
        "flag": False,
        "items": [],
        "maybe": None,
    }


def test_fields_look_like_what_they_take() -> None:
    form = JobForm(typed_jobs.kinds)
    wanted = {
        "whole": widgets.AdminIntegerFieldWidget,
        "real": forms.NumberInput,
        "flag": forms.CheckboxInput,
        "text": widgets.AdminTextInputWidget,
        "lines": widgets.AdminTextareaWidget,
        "prose": widgets.AdminTextareaWidget,
        "day": widgets.AdminDateWidget,
        "moment": widgets.AdminSplitDateTime,
        "clock": widgets.AdminTimeWidget,
        "colour": forms.Select,
        "size": forms.Select,
        "maybe": forms.Select,
        "key": widgets.AdminUUIDInputWidget,
        "order": forms.Textarea,
        "pin": forms.PasswordInput,
        "secret": forms.PasswordInput,
    }
    for name, widget in wanted.items():
        assert isinstance(form.fields[name].widget, widget), name
    assert form["grade"].as_widget().count('min="1"') == 1
    assert "Small one" in str(form["size"])
    assert "context" not in form.fields


def test_people_are_told_what_a_field_means() -> None:
    form = JobForm(typed_jobs.kinds)
    help_of = {name: field.help_text for name, field in form.fields.items()}
    assert "how many &lt;b&gt;there&lt;/b&gt; are." in help_of["whole"]
    assert "more of them." in help_of["rest"]
    assert "Leave it empty for &quot;plain&quot;." in help_of["text"]
    assert "Leave it empty for 10." in help_of["limit"]
    assert "Leave it empty for none." in help_of["day"]
    assert "Leave it empty for RED." in help_of["colour"]
    assert "Leave it empty for 0:05:00." in help_of["length"]
    assert "list[int] | None</code> (as JSON)" in help_of["numbers"]
    assert "0000" not in help_of["pin"]
    assert "7" not in help_of["secret"]


def test_the_part_about_arguments_of_a_docstring() -> None:
    assert parts_about("") == {}
    assert parts_about(
        "Args:\n    a: one\n        two\n\n    b (int): three\n\nRaises:\n    C: d"
    ) == {
        "a": "one two",
        "b": "three",
    }


# Object pickers


@pytest.fixture
def pickers(rf: RequestFactory, db: None) -> Pickers:
    request = rf.get("/")
    request.user = User.objects.create_superuser("boss")
    return Pickers(site, request)


def test_an_id_is_picked_from_the_pages_of_the_site(pickers: Pickers) -> None:
    form = JobForm(typed_jobs.about_user, pickers=pickers)
    assert isinstance(form.fields["user_id"].widget, ForeignKeyRawIdWidget)
    assert isinstance(form.fields["group_id"].widget, ForeignKeyRawIdWidget)
    assert not isinstance(form.fields["usher_id"].widget, ForeignKeyRawIdWidget)
    assert "/auth/user/?_to_field=id" in str(form["user_id"])
    for text in ("x", "\0", "9" * 400, str(pickers.request.user.pk)):
        str(JobForm(typed_jobs.about_user, {"params-user_id": text}, pickers=pickers))
    form = JobForm(typed_jobs.about_user, {"params-user_id": "7"}, pickers=pickers)
    assert params_of(form) == {"user_id": 7}


def test_who_may_not_look_at_a_model_gets_no_picker(rf: RequestFactory, db: None) -> None:
    request = rf.get("/")
    request.user = User.objects.create_user("staff", is_staff=True)
    form = JobForm(typed_jobs.about_user, pickers=Pickers(site, request))
    assert not isinstance(form.fields["user_id"].widget, ForeignKeyRawIdWidget)


# Options


def options(**values: Any) -> EnqueueForm:
    data = {f"options-{name}": value for name, value in values.items()}
    return EnqueueForm(typed_jobs.kinds, data)


def test_options_left_empty_are_those_of_the_job() -> None:
    form = options()
    assert form.is_valid(), form.errors
    assert form.chosen().options == typed_jobs.kinds.options
    assert form.queue_chosen == "reports"


def test_options_that_are_typed_hold_for_one_enqueue() -> None:
    form = options(queue="mail", priority="-3", delay="1.5", reason=" why ")
    assert form.is_valid(), form.errors
    chosen = form.chosen().options
    assert (chosen.queue, chosen.priority, chosen.delay) == ("mail", -3, 1.5)
    assert form.reason_given == "why"
    tomorrow = date.today().replace(year=date.today().year + 1)
    form = options(scheduled_for_0=str(tomorrow), scheduled_for_1="12:00:00")
    assert form.is_valid(), form.errors
    assert form.chosen().options.scheduled_for == datetime(
        tomorrow.year, tomorrow.month, tomorrow.day, 12, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("queue", "a b"),
        ("queue", "\0\0\0"),
        ("queue", "x" * 500),
        ("priority", "9" * 20),
        ("priority", "1.5"),
        ("delay", "-1"),
        ("delay", "1e12"),
        ("delay", "nan"),
        ("reason", "x" * 501),
        ("reason", "\0"),
    ],
)
def test_bad_options_are_errors_of_their_fields(name: str, text: str) -> None:
    form = options(**{name: text})
    assert set(form.errors) == {name}


def test_a_time_far_away_and_two_times_are_refused() -> None:
    form = options(scheduled_for_0="2999-01-01", scheduled_for_1="12:00")
    assert set(form.errors) == {"scheduled_for"}
    form = options(delay="5", scheduled_for_0="2027-01-01", scheduled_for_1="12:00")
    assert set(form.errors) == {"scheduled_for"}
