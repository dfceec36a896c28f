"""The tests' settings, with the demo's files in the folder of the running test."""

from __future__ import annotations

import os
from pathlib import Path

from tests.settings import *  # noqa: F403
from tests.settings import MAIL_BACKEND

OUTPUT_FOLDER = Path(os.environ["DEMO_FOLDER"]) / "output"
OUTBOX_FOLDER = Path(os.environ["DEMO_FOLDER"]) / "outbox"
if "MAILERS" in globals():
    MAILERS = {"default": {"BACKEND": MAIL_BACKEND, "OPTIONS": {"file_path": OUTBOX_FOLDER}}}
else:
    EMAIL_FILE_PATH = OUTBOX_FOLDER
