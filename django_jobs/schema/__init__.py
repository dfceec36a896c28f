"""Type hints are the schema of a job's arguments and of its result.

:class:`ParamsSchema` turns the arguments of a call into plain JSON and back, strictly: what goes
in comes out equal, or is refused with the path to the value. :class:`ResultSchema` does the same
for what the job returns.
"""

from __future__ import annotations

from django_jobs.schema.params import ParamsSchema
from django_jobs.schema.result import ResultSchema

__all__ = ["ParamsSchema", "ResultSchema"]
