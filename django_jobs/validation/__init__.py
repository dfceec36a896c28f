"""What may be stored: limits for what callers give, repairs for what we record ourselves.

Callers' arguments are refused when they are bad (:mod:`.limits`). Messages, tracebacks and log
data are made storable instead, and never fail: recording a failure must not be able to fail.
"""

from __future__ import annotations

from django_jobs.validation.limits import check_size, size_of, text_problem
from django_jobs.validation.log_data import clean_json
from django_jobs.validation.texts import (
    clean_text,
    describe_database_error,
    describe_exception,
    format_traceback,
)

__all__ = [
    "check_size",
    "clean_json",
    "clean_text",
    "describe_database_error",
    "describe_exception",
    "format_traceback",
    "size_of",
    "text_problem",
]
