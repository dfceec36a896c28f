"""The language of the search box."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from django_jobs.admin.jobs.listing.qualifiers import EXAMPLES, QUALIFIERS
from django_jobs.admin.jobs.listing.query import Query, parse
from django_jobs.conditions import Condition

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = datetime(2026, 1, 5, tzinfo=UTC).isoformat()


def read(text: str) -> Query:
    return parse(text, NOW)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("status:failed", Condition("status", "=", ("failed",))),
        ("status:FAILED,discarded", Condition("status", "=", ("failed", "discarded"))),
        ("-status:failed", Condition("status", "=", ("failed",), negated=True)),
        ("queue:reports", Condition("queue", "=", ("reports",))),
        ("job:quake*", Condition("job", "starts", ("quake",))),
        ("job:*quake", Condition("job", "ends", ("quake",))),
        ("-job:*quake*", Condition("job", "contains", ("quake",), negated=True)),
        ("job:shop:bill", Condition("job", "=", ("shop:bill",))),
        ("params.region:CA", Condition("params.region", "=", ("CA",))),
        ('params.a.b:"San José"', Condition("params.a.b", "=", ("San José",))),
        (r'tag:"say \"hi\""', Condition("tag", "=", ('say "hi"',))),
        ("error:Timeout", Condition("error", "contains", ("Timeout",))),
        ("priority:<5", Condition("priority", "<", ("5",))),
        ("priority:-5", Condition("priority", "=", ("-5",))),
        ("attempts:>=2", Condition("attempts", ">=", ("2",))),
        ("created:<2h", Condition("created", ">", ("2026-01-31T10:00:00+00:00",))),
        ("created:>2h", Condition("created", "<", ("2026-01-31T10:00:00+00:00",))),
        ("created:2h", Condition("created", ">", ("2026-01-31T10:00:00+00:00",))),
        ("ended:>=2026-01-05", Condition("ended", ">=", (DAY,))),
        ("ended:<2026-01-05T00:00:00+00:00", Condition("ended", "<", (DAY,))),
        (f"id:{'0' * 32}", Condition("id", "=", ("0" * 32,))),
    ],
)
def test_one_qualifier(text: str, condition: Condition) -> None:
    assert read(text) == Query((condition,))


def test_a_day_lasts_a_day() -> None:
    assert [
        (one.operator, one.values[0][:10]) for one in read("created:2026-01-05").conditions
    ] == [
        (">=", "2026-01-05"),
        ("<", "2026-01-06"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import-7", "import-7"),
        ("  two  words ", "two words"),
        ("key:7", "key:7"),
        ("https://example.org/", "https://example.org/"),
        ('"status:failed"', "status:failed"),
        ("-x", "-x"),
        ("100%", "100%"),
        ("", ""),
    ],
)
def test_the_rest_is_words(text: str, words: str) -> None:
    assert read(text) == Query(words=words)


def test_qualifiers_and_words_go_together() -> None:
    asked = read("night status:failed shift")
    assert asked.words == "night shift"
    assert [one.field for one in asked.conditions] == ["status"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("status:fail", "status: no such status “fail”; one of unfinished, "),
        ("status:", "status: say what, for example status:failed"),
        ("statsu:failed", "statsu: there is no such qualifier; did you mean status?"),
        ("job:a*b", "job: a * may stand before and behind"),
        ("job:*", "job: a * may stand"),
        ("id:7", "id: “7” is no id"),
        ("priority:high", "priority: a whole number"),
        ("priority:99999999999", "priority: a whole number"),
        ("created:yesterday", "created: an age or a date, as in created:<2h"),
        ("created:<999999w", "created: an age or a date"),
        ("created:9999-12-31", "created: an age or a date"),
        ("created:<0001-01-01T00:00+14:00", "created: an age or a date"),
        ('tag:"open', "A quote is not closed"),
        ('"', "A quote is not closed"),
        ('tag:""', "tag: a value has 1 to 200 characters"),
        ("params.:x", "params.: name a parameter"),
        ("params.a..b:x", "params.a..b: name a parameter"),
        ("-error:x", "-error: this can't be turned round"),
        ("params" + ".a" * 21 + ":x", "params.a.a.a"),
        ("-params.a:x", "-params.a: this can't be turned round"),
        ("-created:2026-01-05", "-created: turn a < or > round"),
        ("tag:x " * 20, "at most 12 conditions"),
        ("x" * 501, "at most 500 characters"),
        ("a\0b", "at most 500 characters"),
    ],
)
def test_what_is_not_understood_is_told(text: str, complaint: str) -> None:
    (error,) = read(text).errors
    assert complaint in error


def test_every_example_is_understood() -> None:
    assert EXAMPLES.keys() == {*QUALIFIERS, "params."}
    for text in EXAMPLES.values():
        asked = read(text)
        assert not asked.errors
        assert asked.conditions


@pytest.mark.parametrize("text", [":", "::", "-", "-:x", "a:", 'a:"', "\\", "*", "params.", "x:-"])
def test_odd_text_is_no_crash(text: str) -> None:
    read(text)
