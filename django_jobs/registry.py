"""Names → job definitions. Only what is registered here can ever run."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from django_jobs.exceptions import DuplicateJobName, UnknownJob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_jobs.definitions import JobDefinition

    AnyDefinition = JobDefinition[Any, Any]


class Registry:
    """The jobs this process knows, by name and by alias."""

    def __init__(self) -> None:
        self._by_name: dict[str, AnyDefinition] = {}
        self._aliases: dict[str, str] = {}

    def register(self, definition: AnyDefinition) -> None:
        """Add a definition under its name and aliases.

        Raises:
            DuplicateJobName: another function holds one of these names.
        """
        for name in (definition.name, *definition.aliases):
            self._refuse_duplicate(name, definition)
        self._by_name[definition.name] = definition
        for alias in definition.aliases:
            self._aliases[alias] = definition.name

    def _refuse_duplicate(self, name: str, definition: AnyDefinition) -> None:
        holder = self._by_name.get(self._aliases.get(name, name))
        # The same place again is a reloaded module, not a second job.
        if holder is not None and holder.location != definition.location:
            raise DuplicateJobName(
                f"The job name {name!r} is taken by {holder.location}; {definition.location} "
                "needs another one: @job(name=...)."
            )

    def unregister(self, name: str) -> None:
        """Forget a definition and its aliases; for tests and plugins that are switched off."""
        self._by_name.pop(name, None)
        self._aliases = {alias: to for alias, to in self._aliases.items() if to != name}

    def has(self, name: str) -> bool:
        """Say whether ``name`` (or an alias of that name) is registered."""
        return self._aliases.get(name, name) in self._by_name

    def get(self, name: str) -> AnyDefinition:
        """Return the definition registered under ``name`` or an alias.

        Raises:
            UnknownJob: nothing is; the message names the closest match.
        """
        try:
            return self._by_name[self._aliases.get(name, name)]
        except (KeyError, TypeError):  # what has no hash is no name either
            raise UnknownJob(self._explain_unknown(name)) from None

    def find(self, name: str) -> AnyDefinition | None:
        """Return the definition or ``None``."""
        return self._by_name.get(self._aliases.get(name, name))

    def _explain_unknown(self, name: str) -> str:
        given = str(name)[:200]
        close = difflib.get_close_matches(given, self.names(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return f"No job is registered as {given!r}.{hint}"

    def names(self) -> list[str]:
        """All names and aliases, sorted."""
        return sorted([*self._by_name, *self._aliases])

    def queues(self) -> list[str]:
        """Every queue a registered job goes to by default, sorted."""
        return sorted({definition.queue for definition in self._by_name.values()})

    def all(self) -> list[AnyDefinition]:
        """All definitions, sorted by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def __iter__(self) -> Iterator[AnyDefinition]:
        return iter(self.all())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.has(name)


registry: Final = Registry()
