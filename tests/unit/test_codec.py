"""The codec is named by a setting, made once, and made again when settings change."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from django_jobs.codec import JSON, Codec, JSONCodec, active_codec
from django_jobs.exceptions import InvalidConfiguration


class Base64Codec:
    """A codec as an application would write it."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1

    def encode(self, value: JSON) -> JSON:
        return {"v": 1, "data": base64.b64encode(json.dumps(value).encode()).decode()}

    def decode(self, stored: JSON) -> JSON:
        assert isinstance(stored, dict)
        decoded: JSON = json.loads(base64.b64decode(str(stored["data"])))
        return decoded


class NeedsKey:
    def __init__(self, key: str) -> None: ...


class HalfCodec:
    def encode(self, value: JSON) -> JSON:
        return value


def failing() -> Codec:
    raise OSError("the key file is missing")


HERE = __name__


def test_the_default_stores_values_as_they_are() -> None:
    value: JSON = {"a": [1, None, "x"]}
    codec = active_codec()
    assert isinstance(codec, JSONCodec)
    assert codec.encode(value) is value
    assert codec.decode(value) is value


def test_another_codec_is_named_by_its_path(settings: Any) -> None:
    settings.DJANGO_JOBS = {"CODEC": f"{HERE}.Base64Codec"}
    codec = active_codec()
    stored = codec.encode({"a": 1})
    assert isinstance(codec, Base64Codec)
    assert stored != {"a": 1}
    assert codec.decode(stored) == {"a": 1}


def test_it_is_made_once_until_settings_change(settings: Any) -> None:
    settings.DJANGO_JOBS = {"CODEC": f"{HERE}.Base64Codec"}
    before = Base64Codec.made
    assert active_codec() is active_codec()
    assert Base64Codec.made == before + 1
    settings.SECRET_KEY = "the codec may have been made of it"
    assert active_codec() is active_codec()
    assert Base64Codec.made == before + 2
    settings.DJANGO_JOBS = {}
    assert isinstance(active_codec(), JSONCodec)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("django_jobs.codec.Missing", "Missing"),
        ("no_such_package.Codec", "no_such_package"),
        (f"{HERE}.NeedsKey", "without arguments"),
        (f"{HERE}.failing", "the key file is missing"),
        (f"{HERE}.HalfCodec", "no methods encode and decode"),
        (f"{HERE}.HERE", "called without arguments"),
    ],
)
def test_a_bad_codec_is_a_configuration_error(settings: Any, path: str, reason: str) -> None:
    settings.DJANGO_JOBS = {"CODEC": path}
    with pytest.raises(InvalidConfiguration) as caught:
        active_codec()
    assert str(caught.value).startswith(f"CODEC: {path!r}")
    assert reason in str(caught.value)
