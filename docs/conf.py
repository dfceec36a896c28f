"""Sphinx: ``uv run sphinx-build -W -n docs docs/_build/html``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "extensions")]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testproject.settings")
django.setup()

import django_jobs  # noqa: E402 - after the setup of Django

project = "django_jobs"
author = "the django_jobs contributors"
copyright = "the django_jobs contributors, BSD-3-Clause"  # noqa: A001 - Sphinx wants this name
release = version = django_jobs.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "tables_from_code",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Quotes stay as they are typed: most of them belong to code.
smartquotes = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"
# Nothing is fetched to build these pages, so names of other projects stay plain text.
nitpick_ignore_regex = [("py:.*", r"(?!django_jobs).*"), ("py:class", r".*\.Result")]

html_theme = "furo"
html_title = f"django_jobs {release}"
html_copy_source = False
html_show_sourcelink = False
