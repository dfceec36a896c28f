"""What is stored is data: no module of the package turns text of the database into code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.environment import ROOT

PACKAGE = ROOT / "django_jobs"
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Formats that run code when they are read.
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "mark_safe", "SafeString"}

#: Who may import by name, and what: paths from settings and from code, never from a row.
IMPORTERS = {
    "__init__.py": "its own names, as they are asked for",
    "checks/configuration.py": "settings",
    "checks/routing.py": "the setting DATABASE_ROUTERS",
    "codec.py": "the setting CODEC",
    "permissions.py": "the setting PERMISSION_HOOK",
    "plugins.py": "attributes of a plugin's AppConfig",
    "stores/__init__.py": "the setting STORE",
}

#: Puts escaped words into a table that Django has made safe.
REVIEWED = {"admin/shared/labelled_cells.py": {"mark_safe"}}


def shown(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            # As an argument too: map(import_string, paths).
            parts = (node.func, *node.args)
            yield from (part.id for part in parts if isinstance(part, ast.Name))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_no_module_runs_what_is_stored(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not FORBIDDEN_MODULES & set(imported(tree))
    assert not FORBIDDEN_CALLS & set(called(tree)) - REVIEWED.get(shown(path), set())
    if {"import_string", "import_module"} & set(called(tree)):
        assert shown(path) in IMPORTERS, "only registered names run: import nothing by its name"


def test_the_list_of_importers_is_no_longer_than_needed() -> None:
    for name in IMPORTERS:
        text = (PACKAGE / name).read_text()
        assert "import_string(" in text or "import_module(" in text or "import_string," in text
