"""Durations in buckets of half an octave: small enough to keep, fine enough for percentiles.

A bucket is 41 % wider than the one before it, so a percentile is at most 20 % off. Histograms add
up, which means of percentiles do not (idea: HdrHistogram).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import frexp
from typing import Final

#: Bucket → number of durations. As JSON the keys are texts.
Histogram = Mapping[str, int]

#: Seconds that the first bucket ends at.
_FIRST: Final = 0.001
#: Of durations above eight days.
LAST_BUCKET: Final = 60
_LONGEST: Final = 2**29.5 / 1000


def bucket_of(seconds: float) -> int:
    """The bucket that a duration falls into, from 0 to :data:`LAST_BUCKET`.

    The binary exponent of a square counts half octaves. Asked twice for every job: a logarithm
    would take longer.
    """
    if seconds < _FIRST:
        return 0
    if seconds > _LONGEST:
        return LAST_BUCKET
    milliseconds = seconds * 1000
    return frexp(milliseconds * milliseconds)[1]


def merged(histograms: Iterable[Histogram]) -> dict[str, int]:
    """The sum of histograms."""
    total: dict[str, int] = {}
    for one in histograms:
        for bucket, number in one.items():  # thousands for a page: Counter takes twice as long
            total[bucket] = total.get(bucket, 0) + number
    return total


def percentile(histogram: Histogram, share: float) -> float | None:
    """The duration in seconds that a share of them does not exceed; ``None`` if there is none.

    Args:
        histogram: the durations.
        share: 0 to 1, for example 0.95.
    """
    left = share * sum(histogram.values())
    for bucket in sorted(histogram, key=int):
        left -= histogram[bucket]
        if left <= 1e-9:
            return _middle(int(bucket))
    return None


def _middle(bucket: int) -> float:
    """The geometric middle of a bucket."""
    return _FIRST * 2 ** ((bucket - 0.5) / 2) if bucket else _FIRST / 2
