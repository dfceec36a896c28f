"""Every kind of fault that the documentation lists has a test that is marked with its number."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
MARK = re.compile(r'mark\.fault\("(F\d+)"\)')

#: The rows of the matrix in docs/reliability.md.
ROW = re.compile(r"^\| (F\d+) \|", re.MULTILINE)


def marked() -> set[str]:
    return {
        number
        for file in TESTS.rglob("test_*.py")
        for number in MARK.findall(file.read_text(encoding="utf-8"))
    }


def listed() -> set[str]:
    page = TESTS.parent / "docs" / "reliability.md"
    return set(ROW.findall(page.read_text(encoding="utf-8")))


def test_every_row_is_tried() -> None:
    assert len(listed()) >= 40
    assert listed() - marked() == set()


def test_every_test_is_in_a_row() -> None:
    assert marked() - listed() == set()
