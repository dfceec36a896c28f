"""Parts of pages that ``live.js`` fetches again and again: sent only when they have changed."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from django.template.response import TemplateResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

#: It is another one in every answer, and says nothing about what changed.
_TOKEN: Final = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]*"')


def fragment(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponseBase:
    """Answer with parts of a page, or with 304 if whoever asks has them already.

    Args:
        request: of somebody who may see them.
        template: elements with an ``id`` and ``data-live``.
        context: for the template.
    """
    answer = TemplateResponse(request, template, context).render()
    digest = hashlib.sha256(_TOKEN.sub(rb'\1"', answer.content)).hexdigest()[:32]
    answer["ETag"] = etag = quote_etag(digest)
    answer["Cache-Control"] = "no-store"
    return get_conditional_response(request, etag=etag, response=answer) or answer
