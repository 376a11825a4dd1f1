"""Turns a notification into words, from the files in templates/.

For each kind there are `<kind>.txt`, whose blocks `title` and `body` are what the inbox shows, and
`<kind>.html`. Both extend a base file, which makes them a mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError, select_autoescape

from chassis.money import Money
from notification.domain.notifications import KINDS, MailRefused, Recipient, RenderedMail

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(enabled_extensions=("html",), default=False),
    undefined=StrictUndefined,
    auto_reload=False,
)

# A mail's subject beyond this is cut by most clients, and some servers refuse very long headers.
MAX_TITLE_LENGTH = 200
MAX_BODY_LENGTH = 2000


class JinjaTemplates:
    """What `handlers.Templates` asks for. A name that a template uses and nobody gave is an error."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def inbox(self, kind: str, data: Mapping[str, Any]) -> tuple[str, str]:
        template = ENVIRONMENT.get_template(f"{kind}.txt")
        title = one_line(block(template, "title", data))[:MAX_TITLE_LENGTH]
        return title, block(template, "body", data).strip()[:MAX_BODY_LENGTH]

    def mail(self, kind: str, data: Mapping[str, Any], recipient: Recipient) -> RenderedMail:
        title, _ = self.inbox(kind, data)
        names = {
            "title": title,
            "data": data,
            "recipient": recipient,
            "public_url": self._public_url,
            "critical": KINDS[kind].critical,
        }
        try:
            text = ENVIRONMENT.get_template(f"{kind}.txt").render(names)
            html = ENVIRONMENT.get_template(f"{kind}.html").render(names)
        except TemplateError as error:
            # The queue goes on without this mail, instead of stumbling over it again and again.
            raise MailRefused(f"The template of {kind} is broken: {error}") from error
        return RenderedMail(title, without_surplus_blank_lines(text), html)


def block(template: Template, name: str, data: Mapping[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context({"data": data})))


def money(amount: Mapping[str, Any]) -> str:
    return str(Money.from_dict(dict(amount)))


ENVIRONMENT.filters["money"] = money


def one_line(text: str) -> str:
    """A campaign's name may hold line breaks; the subject of a mail must not, or it forges headers."""
    return " ".join(text.split())


def without_surplus_blank_lines(text: str) -> str:
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n")]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"
