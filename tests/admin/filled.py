"""Forms of jobs as browsers send them."""

from __future__ import annotations

from typing import Any

from django import forms

from django_jobs.admin.forms import JobForm


def typed(job: Any, stored: Any = None, /, **values: Any) -> JobForm:
    """The form as a browser sends it: what was shown, but for what was typed."""
    shown = JobForm(job, stored=stored)
    data: dict[str, Any] = {}
    for name in shown.fields:
        _send(data, shown[name])
    for name, value in values.items():
        if isinstance(value, tuple):
            data |= {f"params-{name}_{part}": text for part, text in enumerate(value)}
        elif value is None:
            data.pop(f"params-{name}", None)
        else:
            data[f"params-{name}"] = value
    return JobForm(job, data, stored=stored)


def _send(data: dict[str, Any], field: Any) -> None:
    context = field.field.widget.get_context(field.html_name, field.value(), {})["widget"]
    if isinstance(field.field.widget, forms.CheckboxInput):
        if context["attrs"].get("checked"):
            data[field.html_name] = "on"
        return
    if isinstance(field.field.widget, forms.Select):
        data[field.html_name] = field.value() or ""
        return
    for part in context.get("subwidgets", [context]):
        data[part["name"]] = "" if part["value"] is None else part["value"]


def params_of(form: JobForm) -> dict[str, Any]:
    assert form.is_valid(), form.errors
    return form.params


def error_of(form: JobForm, name: str) -> str:
    assert not form.is_valid()
    assert form.params == {}
    assert set(form.errors) == {name}
    return " ".join(form.errors[name])
