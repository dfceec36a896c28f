"""Cells of a list that know their column's heading: on a phone rows become cards without a head."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.contrib.admin.utils import label_for_field
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList

#: The admin's own start of a cell; what rows contain is escaped and can't look like it.
_CELL: Final = re.compile(r'<(t[dh]) class="field-(\w+)')
#: Nothing but a dash: worth its place in a column, but not in a card.
_EMPTY: Final = re.compile(r"<(t[dh]) ([^>]*)>(?=[-–]</\1>)")


def labelled(changes: ChangeList, table: SafeString) -> SafeString:
    """The list with ``data-label`` at each cell, and ``data-empty`` at those that say nothing.

    Themes that label cells themselves (django-unfold) keep their labels.
    """
    if "data-label=" in table:
        return table
    labels = {
        str(name): escape(capfirst(str(label_for_field(name, changes.model, changes.model_admin))))
        for name in changes.list_display
        if name != "action_checkbox"
    }

    def with_label(cell: re.Match[str]) -> str:
        tag, name = cell.groups()
        return f'<{tag} data-label="{labels.get(name, "")}" class="field-{name}'

    # Safe: of the safe table only starts of cells were changed, by escaped words.
    return mark_safe(_EMPTY.sub(r"<\1 data-empty \2>", _CELL.sub(with_label, table)))  # noqa: S308
