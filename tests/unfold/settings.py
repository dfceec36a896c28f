"""The tests' settings with django-unfold in front of Django's admin, where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as PLAIN_APPS

INSTALLED_APPS = [*(["unfold"] if find_spec("unfold") else []), *PLAIN_APPS]
