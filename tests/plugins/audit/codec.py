"""A codec that hides what is stored, as one that encrypts would."""

from __future__ import annotations

import base64
import json

from django_jobs.codec import JSON


class SealingCodec:
    """Stores values as one sealed text."""

    def encode(self, value: JSON) -> JSON:
        return {"sealed": base64.b64encode(json.dumps(value).encode()).decode()}

    def decode(self, stored: JSON) -> JSON:
        assert isinstance(stored, dict)
        sealed = stored["sealed"]
        assert isinstance(sealed, str)
        value: JSON = json.loads(base64.b64decode(sealed))
        return value
