from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def demo_folder(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for what the demo writes, in this process and in those it starts."""
    settings.OUTPUT_FOLDER = tmp_path / "output"
    settings.OUTBOX_FOLDER = tmp_path / "outbox"
    monkeypatch.setenv("DEMO_FOLDER", str(tmp_path))
    return tmp_path
