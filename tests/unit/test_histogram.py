"""Histograms: what is put in comes out again, within a bucket."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from django_jobs.histogram import LAST_BUCKET, bucket_of, merged, percentile

DURATIONS = st.lists(st.floats(0.001, 900_000), min_size=1, max_size=50)


def histogram(durations: list[float]) -> Counter[str]:
    return Counter(str(bucket_of(one)) for one in durations)


@given(DURATIONS)
def test_a_percentile_is_off_by_a_fifth_at_most(durations: list[float]) -> None:
    durations.sort()
    for share in (0.5, 0.95, 1.0):
        place = max(-(-len(durations) * share // 1) - 1, 0)
        exact = durations[int(place)]
        estimate = percentile(histogram(durations), share)
        assert estimate is not None
        assert exact / 1.2 <= estimate <= exact * 1.2 or exact <= 0.00101


@given(DURATIONS, DURATIONS)
def test_they_add_up_also_after_they_were_json(left: list[float], right: list[float]) -> None:
    stored = [json.loads(json.dumps(histogram(one))) for one in (left, right)]
    assert merged(stored) == dict(histogram(left + right))


def test_the_ends_of_the_scale() -> None:
    assert bucket_of(0) == bucket_of(-1) == bucket_of(0.0005) == 0
    assert bucket_of(1e300) == bucket_of(float(10**9)) == LAST_BUCKET
    assert percentile({}, 0.5) is None
    assert merged([]) == {}
