"""The ways in which a secret stands in a text: as it is, in a ``repr``, in JSON, in a URL."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import quote, quote_plus

#: Shorter texts are not looked for: they are no secrets, and would blacken half of every text.
SHORTEST: Final = 4
#: Of longer texts only the plain form is looked for, line by line as well.
_LONG: Final = 20_000

#: ``Bearer abc123``: what follows the word is the secret.
_SCHEME: Final = re.compile(
    r"(?:bearer|basic|token|digest|apikey|negotiate)\s+(\S+)", re.IGNORECASE
)


def spellings(secret: Any) -> set[str]:
    """Every way to write a text or number that is long enough to be a secret."""
    if isinstance(secret, str):
        return {one for one in _of_text(secret) if len(one) >= SHORTEST}
    digits = sum(character.isdigit() for character in str(secret))
    return {str(secret), f"{secret:,}"} if digits >= SHORTEST else set()


def _of_text(secret: str) -> set[str]:
    stripped = secret.strip()
    written = {secret, stripped}
    if "\n" in stripped or "\r" in stripped:
        # A traceback of an exception group indents every line.
        written |= {line.strip() for line in stripped.splitlines()}
    if scheme := _SCHEME.fullmatch(stripped):
        written.add(scheme[1])
    if len(secret) > _LONG:
        return written
    return written | {form for one in tuple(written) for form in _escaped(one)}


def _escaped(text: str) -> set[str]:
    if text.isalnum() and text.isascii():
        return set()  # the same everywhere
    once = _python(text) | {ascii(text)[1:-1]}
    return {
        *once,
        *(twice for one in once for twice in _python(one)),  # a repr within a repr
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
    }


def _python(text: str) -> set[str]:
    """Inside of a ``repr``, which escapes a quote or not, depending on what else it holds."""
    written = repr(text)[1:-1]
    bare = written.replace("\\'", "'")
    return {written, bare, bare.replace("'", "\\'")}
