"""The German catalogue is whole, compiled and shown."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import django
import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client

import django_jobs
from tests.admin.pages import list_of, page_of
from tests.factories import CronJobFactory, JobFactory, QueueFactory, WorkerFactory

FOLDER = Path("locale", "de", "LC_MESSAGES")
SOURCE = Path(django_jobs.__file__).parent / FOLDER / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[.\d]*[a-z]|%%|\{\}")

Entry = dict[str, str]


def entries() -> Iterator[Entry]:
    """The entries of the .po file by keyword, as in ``{"msgid": …, "msgstr": …}``."""
    for block in SOURCE.read_text(encoding="utf-8").split("\n\n")[1:]:
        entry: Entry = {}
        keyword = ""
        for line in block.splitlines():
            if line.startswith("#"):
                entry["#"] = entry.get("#", "") + line
                continue
            first, _space, rest = line.partition(" ")
            if not line.startswith('"'):
                keyword, line = first, rest
            entry[keyword] = entry.get(keyword, "") + ast.literal_eval(line)
        yield entry


ENTRIES = list(entries())


def compiled(package: Path) -> GNUTranslations:
    with (package / FOLDER / "django.mo").open("rb") as file:
        return GNUTranslations(file)


def test_every_entry_is_translated_and_keeps_its_placeholders() -> None:
    assert len(ENTRIES) > 800
    for entry in ENTRIES:
        assert "fuzzy" not in entry.get("#", ""), entry
        assert not entry.get("#", "").startswith("#~"), entry
        originals = {"msgstr": "msgid", "msgstr[0]": "msgid", "msgstr[1]": "msgid_plural"}
        words = {keyword: entry[keyword] for keyword in originals if keyword in entry}
        assert len(words) == (2 if "msgid_plural" in entry else 1), entry
        for keyword, text in words.items():
            assert text, entry
            original = entry[originals[keyword]]
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(original)), entry


def test_the_compiled_file_says_the_same() -> None:
    """After a change of the .po file: ``cd django_jobs && django-admin compilemessages``."""
    german = compiled(SOURCE.parents[3])
    for entry in ENTRIES:
        if "msgctxt" in entry:
            assert german.pgettext(entry["msgctxt"], entry["msgid"]) == entry["msgstr"]
        elif "msgid_plural" in entry:
            one, more = entry["msgid"], entry["msgid_plural"]
            assert german.ngettext(one, more, 1) == entry["msgstr[0]"]
            assert german.ngettext(one, more, 2) == entry["msgstr[1]"]
        else:
            assert german.gettext(entry["msgid"]) == entry["msgstr"]


@pytest.mark.parametrize("folder", ["conf", "contrib/admin"])
def test_no_word_of_django_is_changed(folder: str) -> None:
    """An app's words are those of the whole site: other pages of the admin keep theirs."""
    theirs = compiled(Path(django.__file__).parent / folder)
    for entry in ENTRIES:
        if not {"msgid_plural", "msgctxt"} & set(entry):
            word = theirs.gettext(entry["msgid"])
            assert word in (entry["msgid"], entry["msgstr"])


@pytest.mark.parametrize(
    ("language", "word"), [("de", "Warteschlangen"), ("de-at", "Warteschlangen"), ("en", "Queues")]
)
def test_pages_speak_the_language_of_the_browser(boss: Client, language: str, word: str) -> None:
    rows = [JobFactory(), QueueFactory(), CronJobFactory(), WorkerFactory()]
    models = ["job", "queue", "cronjob", "worker", "failuregroup", "jobaudit"]
    pages = ["/admin/django_jobs/", *map(list_of, models), *map(page_of, rows)]
    for page in pages:
        response = boss.get(page, headers={"Accept-Language": language})
        assert response.status_code == 200, page
        assert word in response.content.decode(), page


def test_the_way_back_is_no_second_cancel(boss: Client) -> None:
    """Django's German for it holds the very word of the button beside it."""
    data = {"action": "cancel", ACTION_CHECKBOX_NAME: [JobFactory().pk], "index": "0"}
    response = boss.post(list_of("job"), data, headers={"Accept-Language": "de"})
    page = response.content.decode()
    assert '<input type="submit" value="Abbrechen">' in page
    assert "Nein, zurück" in page
    assert "Nein, bitte abbrechen" not in page
