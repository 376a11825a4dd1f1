"""Guides for developers: Markdown files, rendered once, with what can be run in them.

The info string of a shell block may say what a reader does with its answer: `keep=NAME:field` (keep that
field of the JSON as a shell variable) and `until=field:value` (ask again until it says so). A reader sees
both as a line below the block; a test runs the blocks with them, one after the other, on a real platform.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

FOLDER = Path(__file__).parent / "guides"
NAMES = ("first-campaign", "reports", "authentication", "webhooks", "errors", "limits", "typescript")
"""In the order in which they are read."""

PUBLIC_URL = "https://gametriggers.example"
"""What the files say; readers see the address of the platform that they look at."""


@dataclass(frozen=True)
class Snippet:
    """A block of code and what its reader does with the answer."""

    language: str
    code: str
    keep: tuple[str, str] | None = None
    until: tuple[str, str] | None = None


@dataclass(frozen=True)
class Heading:
    anchor: str
    text: str


@dataclass(frozen=True)
class Guide:
    name: str
    title: str
    summary: str
    html: str
    headings: Sequence[Heading]
    snippets: Sequence[Snippet]


@cache
def guides(public_url: str) -> Mapping[str, Guide]:
    return {name: read(name, public_url) for name in NAMES}


def read(name: str, public_url: str) -> Guide:
    """The file begins with its title and a paragraph that says what the reader will have at the end."""
    markdown = renderer()
    text = (FOLDER / f"{name}.md").read_text().replace(PUBLIC_URL, public_url)
    tokens = markdown.parse(text)
    title, summary = tokens[1].content, tokens[4].content
    headings = list(anchored(tokens))
    return Guide(
        name=name,
        title=title,
        summary=summary,
        html=markdown.renderer.render(tokens, markdown.options, {}),
        headings=headings,
        snippets=[snippet(token) for token in tokens if token.type == "fence"],
    )


@cache
def renderer() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("fence", rendered_snippet)
    return markdown


def anchored(tokens: Sequence[Token]) -> Iterator[Heading]:
    """Gives each heading of the second level an id, and names it for the table of contents."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            anchor = re.sub(r"[^a-z0-9]+", "-", inline.content.lower()).strip("-")
            opening.attrSet("id", anchor)
            yield Heading(anchor, inline.content)


def snippet(token: Token) -> Snippet:
    language, *words = token.info.split() or ["text"]
    marks = dict(word.split("=", 1) for word in words)
    return Snippet(language, token.content, pair(marks.get("keep")), pair(marks.get("until")))


def pair(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    first, _, second = text.partition(":")
    return first, second


def rendered_snippet(
    _: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: Any
) -> str:
    found = snippet(tokens[index])
    lexer = get_lexer_by_name(found.language)
    code = highlight(found.code, lexer, HtmlFormatter(nowrap=True))
    notes = "".join(f"<p>{note}</p>" for note in notes_of(found))
    return (
        f'<figure class="snippet"><figcaption>{escape(found.language)}'
        '<button type="button" class="copy">Copy</button></figcaption>'
        f'<pre tabindex="0"><code>{code}</code></pre>{notes}</figure>\n'
    )


def notes_of(found: Snippet) -> Iterator[str]:
    if found.until:
        field, value = map(escape, found.until)
        yield f"Ask again until <code>{field}</code> is <code>{value}</code>."
    if found.keep:
        name, field = map(escape, found.keep)
        yield f"Keep the answer's <code>{field}</code> as <code>{name}</code>."
