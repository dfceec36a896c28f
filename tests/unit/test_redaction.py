"""Which names stand for secrets, and that nothing of a secret is left in a text."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from django_jobs import job
from django_jobs.conf.keys import Configuration
from django_jobs.exceptions import InvalidOption, InvalidText
from django_jobs.redaction import SECRETS_MAX, Redactor, redactor_of
from django_jobs.sensitive import HIDDEN, SensitiveKeys
from django_jobs.validation import (
    clean_json,
    clean_text,
    describe_database_error,
    describe_exception,
    format_traceback,
)
from tests.scenes import Configure

SECRET = "hunter2-canary"


KEYS = SensitiveKeys(Configuration().SENSITIVE_KEYS, ("card", "homeAddress"))


def words(text: str) -> list[str]:
    return text.split()


SENSITIVE = words("""
password passwords PASSWORD db_password dbPassword userpassword2 passwd secret client_secret
clientSecret SECRET_KEY secret-key token access_token accessToken ACCESS-TOKEN tokens
HTTPToken csrfmiddlewaretoken token_2 api_key apiKey apikey x-api-key X_API_KEY stripe_apikey
authorization Authorization proxy-authorization cookie Set-Cookie cookies credentials
private_key privateKey session session_id sessionid card_number cardNumber cvv CVV2 cvc jwt pwd
card Card home_address HOME-ADDRESS
""")

PLAIN = words("""
author authors author_id authority authorized keyboard monkey key keys primary_key tokenizer
secretary secretariat passenger compass obsession possession accession cookbook encode card_type
cards cardinal address region since total number a x_1 ключ 鍵 "" * _ -
""")


def redactor(**params: Any) -> Redactor:
    return Redactor(KEYS, [params])


@pytest.mark.parametrize("key", SENSITIVE)
def test_names_of_secrets_are_known_however_they_are_written(key: str) -> None:
    assert key in KEYS


@pytest.mark.parametrize("key", PLAIN)
def test_names_that_only_look_alike_are_left_alone(key: str) -> None:
    assert key not in KEYS


def test_a_long_name_takes_no_time() -> None:
    started = time.perf_counter()
    assert "aB_" * 300_000 not in KEYS
    assert time.perf_counter() - started < 1


# Texts

DEEP = {"order": [{"payment": {"password": {"old": [SECRET]}}}], "region": "California"}


@pytest.mark.parametrize(
    ("params", "text", "expected"),
    [
        ({"password": SECRET}, f"no {SECRET}, no", f"no {HIDDEN}, no"),
        (DEEP, f"{SECRET} in California", f"{HIDDEN} in California"),
        ({"card": SECRET}, SECRET, HIDDEN),
        ({"plain": SECRET}, SECRET, SECRET),
        ({"pwd": "abc"}, "abc", "abc"),
        ({"pwd": "abcd"}, "abcdabcd", HIDDEN),
        ({"pwd": 1234}, "it was 1234.", f"it was {HIDDEN}."),
        ({"pwd": 123}, "it was 123.", "it was 123."),
        ({"pwd": -123}, "it was -123.", "it was -123."),
        ({"pwd": 1234567}, "it was 1,234,567", f"it was {HIDDEN}"),
        ({"pwd": 12.345}, "it was 12.345", f"it was {HIDDEN}"),
        ({"pwd": True}, "it was True", "it was True"),
        ({"pwd": None}, "it was None", "it was None"),
        ({"pwd": "it's\na"}, repr("it's\na"), f'"{HIDDEN}"'),
        ({"pwd": "it's\na"}, repr('"it\'s\na"'), f"'\"{HIDDEN}\"'"),
        ({"pwd": "it's\na"}, str(KeyError(repr(["it's\na"]))), f"""'["{HIDDEN}"]'"""),
        ({"pwd": 'say "hi"'}, json.dumps('say "hi"'), f'"{HIDDEN}"'),
        ({"pwd": "größer"}, json.dumps("größer"), f'"{HIDDEN}"'),
        ({"pwd": "a/b c&d"}, "https://x/?p=a%2Fb+c%26d", f"https://x/?p={HIDDEN}"),
        ({"pwd": "a/b c&d"}, "https://x/?p=a%2Fb%20c%26d", f"https://x/?p={HIDDEN}"),
        ({"pwd": "\n first line\nsecond line\n"}, "  | second line", f"  | {HIDDEN}"),
        ({"authorization": f"Bearer {SECRET}"}, f"401 for {SECRET}", f"401 for {HIDDEN}"),
        ({"pwd": "abcd", "token": "abcdefgh"}, "abcdefgh", HIDDEN),
        ({"pwd": "abcdef", "token": "cdefgh"}, "-abcdefgh-", f"-{HIDDEN}-"),
    ],
)
def test_secrets_are_hidden(params: dict[str, Any], text: str, expected: str) -> None:
    assert redactor(**params).text(text) == expected


def test_too_many_secrets_hide_the_whole_text() -> None:
    many = [f"secret-{number}" for number in range(SECRETS_MAX + 1)]
    assert redactor(tokens=many[:-1]).text("hello") == "hello"
    assert redactor(tokens=many).text("hello") == HIDDEN
    assert redactor(tokens=many).head("hello", 2) == HIDDEN


@given(
    before=st.text("ab", max_size=12),
    after=st.text("ab", max_size=12),
    length=st.integers(0, 40),
    secret=st.text("ab", min_size=4, max_size=8),
)
@run(max_examples=300, deadline=None, derandomize=True)
def test_no_part_of_a_secret_is_left_at_a_cut(
    before: str, after: str, length: int, secret: str
) -> None:
    """Whatever is shown of a cut text stood outside of every secret."""
    text = before + secret + after
    hide = redactor(pwd=secret)
    inside = {
        position
        for start in range(len(text))
        if text.startswith(secret, start)
        for position in range(start, start + len(secret))
    }
    marked = "".join("*" if at in inside else letter for at, letter in enumerate(text))
    for shown in (hide.head(text, length), hide.tail(text, length)):
        pieces = shown.split(HIDDEN)
        assert not any(secret in piece for piece in pieces)
        assert sum(map(len, pieces)) <= length
    if text.count(secret) == 1 and len(inside) == len(secret):
        assert hide.head(text, length).replace(HIDDEN, "*") == _squeezed(marked[:length])
        assert hide.tail(text, length).replace(HIDDEN, "*") == _squeezed(
            marked[max(0, len(text) - length) :]
        )


def _squeezed(text: str) -> str:
    while "**" in text:
        text = text.replace("**", "*")
    return text


@pytest.mark.parametrize("cut", range(1, len(SECRET) + 12))
def test_a_secret_at_the_edge_of_a_long_text_is_hidden_whole(cut: int) -> None:
    limit = 40
    text = "x" * (limit - cut) + SECRET + "y" * 1000
    for shown in (
        clean_text(text, limit, redactor(pwd=SECRET)),
        describe_exception(ValueError("x" * (2000 - cut) + SECRET), redactor(pwd=SECRET)),
    ):
        assert not any(SECRET[:length] in shown for length in range(3, len(SECRET)))


def test_tracebacks_hide_secrets_in_every_chained_exception() -> None:
    def fail() -> None:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            error.add_note(f"noted {SECRET}")
            raise ExceptionGroup(
                f"several {SECRET}", [ValueError(SECRET), TypeError(f"\n{SECRET}\n")]
            ) from error

    with pytest.raises(ExceptionGroup) as caught:
        fail()
    plain = format_traceback(caught.value)
    hidden = format_traceback(caught.value, hide=redactor(password=SECRET))
    assert plain.count(SECRET) == 5
    assert SECRET not in hidden
    assert hidden.count(HIDDEN) == 5
    assert "KeyError" in hidden
    assert "fail" in hidden


def test_a_vast_message_is_cut_before_it_is_searched() -> None:
    error = ValueError(f"{SECRET} " * 3_500_000)  # 50 MB
    started = time.perf_counter()
    hide = redactor(password=SECRET)
    texts = [format_traceback(error, hide=hide), describe_exception(error, hide)]
    texts.append(clean_text(str(error), 500, hide))
    assert time.perf_counter() - started < 5
    for text in texts:
        assert "hunter2" not in text
        assert "canary" not in text


def test_log_data_is_hidden_by_key_and_by_value() -> None:
    class Client:
        def __repr__(self) -> str:
            return f"<Client {SECRET}>"

    data = {
        "password": "other",
        "headers": [{"Authorization": {"a": 1}}],
        "client": Client(),
        "note": f"got {SECRET}",
        SECRET: 1,
        "pin": 123456,
        "bytes": SECRET.encode(),
        "region": "CA",
        3: None,
    }
    assert clean_json(data, redactor(password=SECRET, card=123456)) == {
        "password": HIDDEN,
        "headers": [{"Authorization": HIDDEN}],
        "client": f"<Client {HIDDEN}>",
        "note": f"got {HIDDEN}",
        HIDDEN: 1,
        "pin": HIDDEN,
        "bytes": f"b'{HIDDEN}'",
        "region": "CA",
        "3": None,
    }


def test_shown_data_is_masked_by_key_and_by_value() -> None:
    params = {"card": {"number": "4111-1111", "year": 2031}, "region": "CA", "ok": True}
    hide = redactor(**params)
    assert hide.data(params) == {"card": HIDDEN, "region": "CA", "ok": True}
    assert hide.data([{"echo": "4111-1111", "year": 2031, "n": 7}]) == [
        {"echo": HIDDEN, "year": HIDDEN, "n": 7}
    ]


def test_deep_data_is_masked_without_failing() -> None:
    deep: Any = SECRET
    for _ in range(100_000):
        deep = [deep]
    assert redactor(password=SECRET).data(deep) == HIDDEN


# Jobs


def test_the_names_of_a_job_count_besides_the_patterns() -> None:
    hide = redactor_of("tests.pay", {"card": "4111-1111", "password": SECRET, "region": "CA"})
    assert hide.text(f"4111-1111 {SECRET} CA") == f"{HIDDEN} {HIDDEN} CA"


def test_of_an_unknown_job_every_value_is_hidden() -> None:
    assert redactor_of("long.gone").data({"a": {"b": 1}}) == {"a": HIDDEN}


def test_patterns_can_be_replaced(configure: Configure) -> None:
    configure(SENSITIVE_KEYS=["*address"])
    hide = redactor_of("tests.echo", {"address": "Main St 1", "password": SECRET})
    assert hide.text(f"Main St 1 {SECRET}") == f"{HIDDEN} {SECRET}"


def test_a_broken_codec_hides_what_it_can(configure: Configure) -> None:
    configure(CODEC="no.such.codec")
    assert redactor_of("tests.echo", {"password": SECRET}).text(SECRET) == HIDDEN


def test_when_the_keys_are_not_known_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_jobs.redaction.registry", None)
    assert redactor_of("tests.echo", {}).text("anything") == HIDDEN


@pytest.mark.parametrize(
    "bad", ["card", b"card", 5, None, [5], [""], ["x" * 201], ["_"], ["a"] * 101, {"card": 1}]
)
def test_names_must_be_a_list_of_names(bad: Any) -> None:
    with pytest.raises(InvalidOption, match="sensitive: "):
        job(sensitive=bad)


def test_names_must_be_storable() -> None:
    with pytest.raises(InvalidText, match="sensitive"):
        job(sensitive=["a\0"])


def test_details_of_the_server_are_left_out() -> None:
    error = ValueError(f'violates "c"\nDETAIL:  Failing row contains ({SECRET}).\nCONTEXT: x')
    assert describe_database_error(error) == 'ValueError: violates "c"'
