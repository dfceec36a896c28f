"""Sums in memory: they add up, have a limit, and are not inherited."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from django_jobs.unwritten import Unwritten


@dataclass
class Number:
    value: int

    def merge(self, other: Number, /) -> None:
        self.value += other.value


def test_what_is_taken_and_put_back_adds_up() -> None:
    sums: Unwritten[str, Number] = Unwritten()
    sums.add("a", Number(1))
    taken = sums.take()
    assert not sums
    sums.add("a", Number(2))
    sums.add("a", taken["a"])
    assert sums.take() == {"a": Number(3)}


def test_beyond_the_limit_only_known_keys_are_counted() -> None:
    sums: Unwritten[str, Number] = Unwritten(1)
    for key in ("a", "b", "a"):
        sums.add(key, Number(1))
    assert sums.sums == {"a": Number(2)}


#: The parent forks while it counts and holds the lock; the child must be able to count its own.
FORK = """
import os
from django_jobs.unwritten import Unwritten

sums = Unwritten()
sums.sums["parent's"] = 1
with sums.lock:
    child = os.fork()
if child == 0:
    sums.add("child's", 2)
    os._exit(0 if sums.sums == {"child's": 2} else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert sums.sums == {"parent's": 1}
"""


def test_a_child_has_no_part_in_what_its_parent_counted() -> None:
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=30)
