"""Which names stand for secrets. Pure: no settings, no jobs; see :mod:`django_jobs.redaction`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from typing import Any, Final

#: Stands where a secret was.
HIDDEN: Final = "[hidden]"

#: The setting ``SENSITIVE_KEYS`` unless a site has its own.
DEFAULT_KEYS: Final = (
    "*password*",
    "*passwd*",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "*secret",
    "token",
    "*token",
    "jwt",
    "api_key",
    "*api_key",
    "access_key",
    "private_key",
    "encryption_key",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "session",
    "session_id",
    "session_key",
    "csrf",
    "card_number",
    "credit_card",
    "cvv",
    "cvc",
    "iban",
    "ssn",
)

#: Characters of a name that are looked at, and its words that may form one pattern together.
_NAME_LIMIT: Final = 1000
_WORDS_TOGETHER: Final = 4
#: Names whose answer is remembered.
_REMEMBERED: Final = 4096

# accessToken, HTTPToken and token2 are two words each.
_BORDER: Final = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=\D)(?=\d)|[\W_]+")


def plain(name: str) -> str:
    """A name without what writers differ in: ``Api-Key``, ``apiKey`` and ``API_KEY`` are one."""
    return re.sub(r"[\W_]+", "", name).casefold()


def plain_pattern(pattern: str) -> str:
    """The same for a pattern, whose ``*`` stay."""
    return "*".join(plain(part) for part in pattern.split("*"))


class SensitiveKeys:
    """Tells whether the value under a key is a secret.

    A pattern matches whole words of a key: ``token`` matches ``access_token``, ``accessToken``
    and ``tokens``, but not ``tokenizer``. With ``*`` it is compared with the whole key instead:
    ``*password*`` also matches ``dbpassword2``.

    Args:
        patterns: for any key; upper and lower case, dashes and underscores make no difference.
        names: keys that match as they are, as in ``@job(sensitive=("card",))``.
    """

    def __init__(self, patterns: Iterable[str], names: Iterable[str] = ()) -> None:
        patterns = [plain_pattern(pattern) for pattern in patterns]
        self._names = frozenset(plain(name) for name in names)
        self._words = frozenset(pattern for pattern in patterns if "*" not in pattern)
        globs = [translate(pattern) for pattern in patterns if "*" in pattern]
        self._glob = re.compile("|".join(globs)) if globs else None
        self._known: dict[str, bool] = {}

    def __contains__(self, key: object) -> bool:
        if type(key) is not str:
            key = str(key)
        known = self._known.get(key)
        if known is None:
            known = self._matches(key[:_NAME_LIMIT])
            if len(self._known) < _REMEMBERED:
                self._known[key] = known
        return known

    def _matches(self, key: str) -> bool:
        whole = plain(key)
        if whole in self._names:
            return True
        if self._glob is not None and any(
            self._glob.match(form) for form in (whole, whole.removesuffix("s"))
        ):
            return True
        return any(form in self._words for form in _forms(key))


class EveryKey(SensitiveKeys):
    """For jobs of which nobody here knows what is secret."""

    def __init__(self) -> None:
        super().__init__(())

    def __contains__(self, key: object) -> bool:
        return True


def _forms(key: str) -> Iterator[str]:
    """What a pattern may be equal to: words side by side, in the singular as well."""
    words = [word.casefold() for word in _BORDER.split(key) if word]
    for start in range(len(words)):
        for end in range(start + 1, min(start + _WORDS_TOGETHER, len(words)) + 1):
            form = "".join(words[start:end])
            yield form
            yield form.removesuffix("s")


def values_under(keys: SensitiveKeys, value: Any, found: bool = False) -> Iterator[Any]:
    """The texts and numbers of plain JSON that stand, at any depth, under a sensitive key."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from values_under(keys, item, found or key in keys)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from values_under(keys, item, found)
    elif found and value is not None and not isinstance(value, bool):
        yield value
