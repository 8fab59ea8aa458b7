"""HTML from templates; imports no library that draws, so that a page is rendered quickly."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

import jinja2
from markupsafe import Markup

TEMPLATES = Path(__file__).parent.parent / "templates"


def data_uri(content: bytes, kind: str) -> str:
    """Return ``content`` as a link that needs no file."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def script_json(content: bytes) -> Markup:
    """Return JSON that may stand in a script element: nothing in it ends the element or begins another."""
    text = content.decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals["data_uri"] = data_uri
environment.globals["script_json"] = script_json


class Html(str):
    """HTML that a notebook shows as it is."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)

    __html__ = _repr_html_  # tells jinja that it is escaped already

    @classmethod
    def of(cls, parts: Iterable[str]) -> Html:
        """Return the parts one after another."""
        return cls("\n".join(part for part in parts if part))


def render(template: str, **context: object) -> Html:
    """Fill one of ``benchmark/templates``."""
    return Html(environment.get_template(template).render(**context))
