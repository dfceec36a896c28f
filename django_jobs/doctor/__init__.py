"""The doctor: looks at everything that keeps jobs from running, and says what to do about it.

Each examination is one function, which reads little, by indexes, and within a time limit. Nothing
is written, locked or shown of a job's arguments. One that fails is a finding as well.
"""

from __future__ import annotations

from django_jobs.doctor.examining import examine
from django_jobs.doctor.finding import Condition, Finding

__all__ = ["Condition", "Finding", "examine"]
