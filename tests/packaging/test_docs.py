"""What the documentation names exists, what exists is documented, and the samples run."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandParser
from django.dispatch import Signal

import django_jobs
from django_jobs import exceptions, models, schedules, signals
from django_jobs.conf.keys import KEYS
from django_jobs.conf.reading import collect
from django_jobs.decorator import job as job_decorator
from django_jobs.options import DefinitionOptions, UsingOptions
from django_jobs.plugins import PluginConfig
from django_jobs.registry import registry
from django_jobs.schedules import cron
from django_jobs.states import Status
from tests.harness.environment import ROOT

sys.path.append(str(ROOT / "docs" / "extensions"))
import tables_from_code as tables

DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]
OURS = tables.command_names()

#: Words in capitals that are settings of Django, variables of the tests, or SQL.
FOREIGN_CAPITALS = {"DATABASE_URL", "INSTALLED_APPS", "SECRET_KEY", "TIME_ZONE", "USE_TZ"}
FOREIGN_CAPITALS |= {"MARIADB_BIN", "PG_BIN", "PGBOUNCER_BIN", "DISABLE_SERVER_SIDE_CURSORS"}
#: Names of classes that are not ours.
FOREIGN_CLASSES = {"AppConfig", "ModelAdmin", "NamedTuple", "TestCase", "TypedDict"}
#: Names of classes that are ours but not exported.
INNER_CLASSES = {
    "Configuration",
    "ExactCharField",
    "ExactTextField",
    "JobsCommand",
    "OperatingCommand",
    "ReadOnlyAdmin",
    "RunJobsAdmin",
    "SubjectJobsMixin",
}


def shown(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def samples(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def words(page: Path) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def parser_of(command: str) -> CommandParser:
    return load_command_class(get_commands()[command], command).create_parser("manage.py", command)


every_page = pytest.mark.parametrize("page", PAGES, ids=shown)

# Samples


@every_page
def test_python_samples_compile_and_import_what_exists(page: Path) -> None:
    for sample in samples(page, "python"):
        tree = compile(
            sample, shown(page), "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        )
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("django_jobs"):
                module = importlib.import_module(str(node.module))
                missing = [one.name for one in node.names if not hasattr(module, one.name)]
                assert not missing, f"{node.module} has no {missing}"


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module ``orders.jobs`` of the samples; its jobs are forgotten afterwards."""
    module = ModuleType("orders.jobs")
    monkeypatch.setitem(sys.modules, "orders", ModuleType("orders"))
    monkeypatch.setitem(sys.modules, "orders.jobs", module)
    monkeypatch.setattr(schedules, "schedules", schedules.Schedules())
    for page in [*DOCS, ROOT / "README.md"]:
        fill(module, page)
    yield module
    for definition in registry.all():
        if definition.function.__module__ == "orders.jobs":
            registry.unregister(definition.name)


def fill(module: ModuleType, page: Path) -> None:
    for sample in samples(page, "python"):
        if sample.startswith("# orders/jobs.py"):
            exec(compile(sample, shown(page), "exec"), vars(module))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "name",
    ["README.md", "docs/quickstart.md", "docs/jobs.md", "docs/commands.md", "docs/testing.md"],
)
def test_samples_run(name: str, orders: ModuleType) -> None:
    page = ROOT / name
    # Several pages have a job of this name; the reader has the one of the page.
    fill(orders, page)
    if name == "docs/testing.md":
        fill(orders, ROOT / "docs/jobs.md")
    runnable = [one for one in samples(page, "python") if not re.match(r"# \w+[./]", one)]
    assert runnable
    scope = {"__name__": "sample"}
    exec(compile("\n".join(runnable), name, "exec"), scope)
    for work_through in ("test_the_report_has_as_many_products_as_asked_for", "work_off"):
        if work_through in scope:
            scope[work_through]()


@pytest.mark.django_db(transaction=True)
def test_the_atomic_job_of_the_samples_completes(orders: ModuleType) -> None:
    fill(orders, ROOT / "docs/jobs.md")
    result = orders.close_month.now("CA", "2026-01")
    assert result.success, result.error


@pytest.mark.parametrize("page", [*DOCS, ROOT / "README.md"], ids=shown)
def test_settings_in_samples_are_accepted(page: Path) -> None:
    for sample in samples(page, "python"):
        for node in ast.walk(ast.parse(sample)):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DJANGO_JOBS":
                assert collect({}, ast.literal_eval(node.value), {}).problems == []


def test_the_attributes_of_the_sample_plugin_exist() -> None:
    (sample,) = (one for one in samples(ROOT / "docs/plugins.md", "python") if "AuditConfig" in one)
    names = re.findall(r"^    (\w+) =", sample, re.MULTILINE)
    assert names
    assert all(hasattr(PluginConfig, name) for name in names if name != "name")


def test_the_sample_of_a_permission_hook_decides_as_it_says() -> None:
    (sample,) = (one for one in samples(ROOT / "docs/admin.md", "python") if "def may_touch" in one)
    scope: dict[str, Any] = {}
    exec(compile(sample, "docs/admin.md", "exec"), scope)
    for is_treasurer in (False, True):
        user = MagicMock()
        user.has_perm.return_value = is_treasurer
        assert scope["may_touch"](user, "retry_job", None, None)
        assert scope["may_touch"](user, "pause_queue", None, "reports")
        assert scope["may_touch"](user, "pause_queue", None, "payments") is is_treasurer
        assert scope["may_touch"](user, "retry_job", "shop.payments.charge", None) is is_treasurer
        assert scope["may_touch"](user, "retry_job", "shop.imports.prices", "default")
        assert not scope["may_touch"](user, "enqueue_job", "shop.imports.prices", "default")


# Commands


@every_page
def test_commands_in_samples_are_understood(page: Path) -> None:
    for line in "\n".join([*samples(page, "console"), *samples(page, "ini")]).splitlines():
        _, found, tail = line.partition("manage.py ")
        if not found:
            continue
        command, *arguments = shlex.split(tail, comments=True)
        assert command in get_commands(), line
        if command in OURS:
            parser_of(command).parse_args(arguments)


@every_page
def test_commands_and_options_in_the_text_exist(page: Path) -> None:
    for word in words(page):
        match = re.match(r"(?:uv run |python )?(?:manage\.py )?(runjobs|jobs_[a-z_]+)\b(.*)", word)
        if match:
            assert match[1] in OURS, word
            known = parser_of(match[1])._option_string_actions
            assert set(re.findall(r"--[a-z-]+", match[2])) <= known.keys(), word


def test_options_in_the_command_table_of_the_readme_exist() -> None:
    rows = re.findall(r"^\| (`(?:runjobs|jobs_).+)$", text_of("README.md"), re.MULTILINE)
    assert rows
    for row in rows:
        commands = set(re.findall(r"runjobs|jobs_[a-z_]+", row))
        known = {option for one in commands for option in parser_of(one)._option_string_actions}
        assert set(re.findall(r"--[a-z-]+", row)) <= known, row


@pytest.mark.parametrize("command", OURS)
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"`{command}[` ]", text_of("README.md"))
    assert f"{{jobs-command}} {command}\n" in text_of("docs/commands.md")
    own = {"--help", "--json"} & set(parser_of(command)._option_string_actions)
    assert tables.command_table(command).count("\n") >= len(own)


def test_the_two_commands_come_first() -> None:
    first_screen = "\n".join(text_of("README.md").splitlines()[:25])
    assert "\npip install -q uv && uv run manage.py demo\n" in first_screen
    assert "\npip install -q uv && uv run pytest\n" in first_screen


# Names


def test_every_setting_is_documented() -> None:
    table = tables.settings_table()
    assert [row.split("`")[1] for row in table.splitlines()[2:]] == list(KEYS)
    assert "```{jobs-settings}" in text_of("docs/settings.md")


def test_the_settings_of_the_readme_have_these_defaults() -> None:
    table = text_of("README.md").partition("| Setting |")[2]
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", table, re.MULTILINE)
    assert len(rows) > 5
    for name, default in rows:
        assert tables.default_of(KEYS[name]).removesuffix(f" {KEYS[name].unit}") in default
        assert default.endswith(KEYS[name].unit) or KEYS[name].unit != "seconds"


@every_page
def test_settings_in_the_text_exist(page: Path) -> None:
    named = {word for word in words(page) if re.fullmatch(r"[A-Z]+_[A-Z_]*[A-Z]", word)}
    assert named <= {*KEYS, *FOREIGN_CAPITALS}
    variables = set(re.findall(r"DJANGO_JOBS_([A-Z_]+)", page.read_text()))
    assert variables <= set(KEYS)


@every_page
def test_classes_in_the_text_exist(page: Path) -> None:
    ours = {*vars(exceptions), *vars(models), *django_jobs.__all__, "PluginConfig"}
    named = {word for word in words(page) if re.fullmatch(r"([A-Z][a-z]+){2,}", word)}
    assert named <= ours | FOREIGN_CLASSES | INNER_CLASSES


def test_every_error_is_documented() -> None:
    table = tables.errors_table()
    names = {one.__name__ for one in tables.error_classes()}
    assert names == set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    assert "```{jobs-errors}" in text_of("docs/errors.md")
    assert all(inspect.getdoc(one) for one in tables.error_classes())


def test_every_check_is_documented() -> None:
    folder = ROOT / "django_jobs" / "checks"
    defined = set(re.findall(r"\b[EW]\d{3}\b", "".join(f.read_text() for f in folder.glob("*.py"))))
    assert defined == set(re.findall(r"`django_jobs\.([EW]\d{3})`", text_of("docs/errors.md")))


def test_every_signal_status_permission_and_model_is_documented() -> None:
    emitted = [name for name, value in vars(signals).items() if isinstance(value, Signal)]
    kept = apps.get_app_config("django_jobs").get_models()
    permissions = [name for model in kept for name, _ in model._meta.permissions]
    for page, names in {
        "docs/plugins.md": emitted,
        "docs/states.md": list(Status.values),
        "docs/admin.md": [f"django_jobs.{name}" for name in permissions],
        "docs/architecture.md": [model.__name__ for model in kept],
    }.items():
        missing = [name for name in names if f"`{name}`" not in text_of(page)]
        assert not missing, page


def test_every_option_of_a_job_is_documented() -> None:
    options = {*DefinitionOptions.__annotations__, *UsingOptions.__annotations__}
    options |= inspect.signature(job_decorator).parameters.keys() - {"function", "options"}
    described = set(words(ROOT / "docs/jobs.md"))
    assert options <= described
    of_cron = inspect.signature(cron).parameters.keys() - {"expression", "builtin"}
    assert of_cron <= set(words(ROOT / "docs/cron.md"))


# The rules of reliability


def rules() -> list[list[str]]:
    """The cells of each row: number, what we do, where the code is, which tests guard it."""
    table = re.findall(r"^\| ([BS]\d+ \|.+) \|$", text_of("docs/reliability.md"), re.MULTILINE)
    return [row.split(" | ") for row in table]


def test_every_rule_has_its_row() -> None:
    wanted = [
        *(f"B{number}" for number in range(1, 26)),
        *(f"S{number}" for number in range(1, 10)),
    ]
    assert [number for number, *_ in rules()] == wanted


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule[0])
def test_the_code_and_the_tests_of_a_rule_exist(rule: list[str]) -> None:
    _, promise, places, tests = rule
    code, guards = re.findall(r"`(.+?)`", places), re.findall(r"`(.+?)`", tests)
    assert guards or "Not there yet" in promise
    assert all((ROOT / "django_jobs" / path).is_file() for path in code)
    for guard in guards:
        path, _, name = guard.partition("::")
        text = (ROOT / "tests" / path).read_text()
        assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), guard


# Links


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub and MyST give to headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    slugs = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    return set(slugs)


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def test_the_documentation_builds_without_warnings(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the group docs is not installed")
    command = ["-m", "sphinx", "-W", "-n", "-q", "-d", str(tmp_path / "cache")]
    command += ["docs", str(tmp_path / "html")]
    built = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    pages = "".join(page.read_text() for page in (tmp_path / "html").rglob("*.html"))
    remote = re.findall(r"<(?:script|img|iframe)[^>]+src=\"(?:https?:)?//[^\"]+", pages)
    assert not remote + re.findall(r"<link[^>]+href=\"(?:https?:)?//[^\"]+", pages)
