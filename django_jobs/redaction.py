"""Keeps secrets out of everything that people read: one place for errors, logs and pages.

What a job was given stays in its row, for the job needs it. What is *copied* from there into a
text (an error, a traceback, a log line, a progress message) is hidden before it is stored or
logged; what is *shown* of arguments and results is masked.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from django_jobs.codec import active_codec
from django_jobs.conf import config
from django_jobs.registry import registry
from django_jobs.sensitive import HIDDEN, EveryKey, SensitiveKeys, values_under
from django_jobs.spellings import spellings

#: With more secrets than this nothing of a text is shown: looking for them would take too long.
SECRETS_MAX: Final = 1000


class Redactor:
    """Hides the secrets of one job.

    Args:
        keys: which names stand for secrets.
        values: plain JSON in which the secrets are found, the job's arguments for one.
    """

    def __init__(self, keys: SensitiveKeys, values: Iterable[Any] = ()) -> None:
        self.keys = keys
        found = {
            spelling
            for value in values
            for secret in values_under(keys, value)
            for spelling in spellings(secret)
        }
        # Longest first, so that a secret that begins like another is hidden to its end.
        self._secrets = sorted(found, key=len, reverse=True)
        self._hides_all = len(self._secrets) > SECRETS_MAX
        self._longest = len(self._secrets[0]) if self._secrets else 0

    def text(self, text: str) -> str:
        """The text with a marker in place of every secret."""
        return self._window(text, 0, len(text))

    def head(self, text: str, length: int) -> str:
        """What may be shown of the first ``length`` characters.

        However long the text is, little of it is looked at; and a secret that goes on behind the
        cut is hidden too.
        """
        return self._window(text[: length + self._longest], 0, length)

    def tail(self, text: str, length: int) -> str:
        """What may be shown of the last ``length`` characters."""
        start = max(0, len(text) - length)
        before = min(start, self._longest)
        return self._window(text[start - before :], before, len(text))

    def is_secret(self, value: object) -> bool:
        """Whether a number, say, is one of the secrets."""
        return self._hides_all or str(value) in self._secrets

    def data(self, value: Any) -> Any:
        """Plain JSON with a marker in place of what stands under sensitive keys or is a secret."""
        try:
            return self._masked(value)
        except RecursionError:
            return HIDDEN

    def _masked(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                self.text(str(key)): HIDDEN if key in self.keys else self._masked(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._masked(item) for item in value]
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool) or not self.is_secret(value):
            return value
        return HIDDEN

    def _window(self, text: str, start: int, end: int) -> str:
        """The characters from ``start`` to ``end``, without secrets that begin or end outside."""
        if self._hides_all:
            return HIDDEN if text else text
        pieces: list[str] = []
        position = start
        for first, last in self._spans(text):
            if last <= position or first >= end:
                continue
            pieces += [text[position:first] if first > position else "", HIDDEN]
            position = last
        pieces.append(text[position:end] if position < end else "")
        return "".join(pieces)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets are, as ``(first, last)``; those that touch are one."""
        spans: list[tuple[int, int]] = []
        for secret in self._secrets:
            at = text.find(secret)
            while at >= 0:
                spans.append((at, at + len(secret)))
                at = text.find(secret, at + len(secret))
        merged: list[tuple[int, int]] = []
        for first, last in sorted(spans):
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return merged


class HidesAll(Redactor):
    """When nobody knows what is secret, nothing is shown."""

    def __init__(self) -> None:
        super().__init__(EveryKey())
        self._hides_all = True


def redactor_of(job_name: str, *stored: Any) -> Redactor:
    """What hides the secrets of a job; never raises.

    Made when there is a text to store, not for every job.

    Args:
        job_name: its registered name; of a job that is not registered here every value is hidden.
        stored: its arguments as they are stored, or what else its secrets are to be found in.
    """
    try:
        return Redactor(sensitive_keys(job_name), [_decoded(value) for value in stored])
    except Exception:  # noqa: BLE001 - recording a failure must not fail, nor tell a secret
        return HidesAll()


def sensitive_keys(job_name: str) -> SensitiveKeys:
    """The keys whose values are never shown of a job."""
    definition = registry.find(job_name)
    if definition is None:
        return _EVERY_KEY
    return _keys(tuple(config.SENSITIVE_KEYS), definition.options.sensitive)


_EVERY_KEY: Final = EveryKey()


@lru_cache(256)
def _keys(patterns: tuple[str, ...], names: tuple[str, ...]) -> SensitiveKeys:
    return SensitiveKeys(patterns, names)


def _decoded(stored: Any) -> Any:
    try:
        return active_codec().decode(stored)
    except Exception:  # noqa: BLE001 - written by another codec, perhaps: then it is no plain JSON
        return stored
