"""What a browser would make of a page: its parts, and its forms with what they send."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """Where a form leads, and what it would send; its buttons by label, each a name and a value."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


class Page(HTMLParser):
    """The page of an answer.

    Attributes:
        parts: the ids, and the classes with a dot before them.
        forms: in their order.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts: set[str] = set()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""
        self._button: tuple[str, str] | None = None
        self.feed(text)

    def sent_by(self, button: str) -> tuple[str, dict[str, str]]:
        """Where the form with a button of this label leads, and what pressing it sends."""
        (form,) = (form for form in self.forms if button in form.buttons)
        assert form.method == "post", form
        name, value = form.buttons[button]
        return form.action.partition("#")[0], {**form.values, **({name: value} if name else {})}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.parts |= {f".{name}" for name in known.get("class", "").split()}
        self.parts |= {known["id"]} if "id" in known else set()
        if tag == "form":
            self._form = Form(known.get("action", ""), known.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._handle_field(self._form, tag, known)

    def _handle_field(self, form: Form, tag: str, known: dict[str, str]) -> None:
        name, value = known.get("name", ""), known.get("value", "")
        is_button = tag == "button" or known.get("type") == "submit"
        if is_button and tag == "input":
            form.buttons[value] = (name, value)
        elif is_button:
            self._button = (name, value)
        elif tag == "input" and known.get("type") not in ("checkbox", "radio"):
            form.values[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            form.choices.setdefault(self._select, []).append(value)
            if self._select not in form.values or "selected" in known:
                form.values[self._select] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "button":
            self._button = None

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._button and data.strip():
            self._form.buttons[data.strip()] = self._button
