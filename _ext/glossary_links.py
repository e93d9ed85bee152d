"""Link each term of the glossary where a page first uses it; the sources stay as they are.

A term is found in its plain and its plural form, with hyphens for spaces, and, unless it is a
name such as AUC, with a capital. A term that is also an everyday word, or two terms, is looked
for only on the pages that `senses.yml` names. The role `term` links wherever it stands.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

SENSES = yaml.safe_load(Path(__file__).with_name("senses.yml").read_text("utf-8"))
"""Terms that are other words elsewhere: what to look for, and the pages where it is the term."""

SKIPPED = (
    addnodes.desc_signature,
    nodes.FixedTextElement,
    nodes.abbreviation,
    nodes.caption,
    nodes.citation,
    nodes.field_list,
    nodes.footnote,
    nodes.image,
    nodes.literal,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.rubric,
    nodes.term,
    nodes.thead,
    nodes.title,
)
"""Where a link would disturb: headings, code, captions, math, the parameters of functions."""

QUIZ = "quiz"
"""The class of what is left out as well: its answers open at a click, and a link would too."""


def forms(term: str) -> list[str]:
    """Give a term and its regular plural."""
    if " of " in term:
        head, _, tail = term.partition(" of ")
        return [f"{form} of {tail}" for form in forms(head)]
    if term.endswith("s"):
        return [term]
    if re.search(r"(x|ch|sh)$", term):
        return [term, term + "es"]
    if re.search(r"[^aeiou]y$", term):
        return [term, term[:-1] + "ies"]
    return [term, term + "s"]


def spelling(form: str) -> str:
    """Make the regular expression of a form."""
    pattern = re.escape(form).replace(r"\ ", r"[\s-]+").replace("’", "['’]")
    if form != form.lower() or not form[0].isalpha():
        return pattern
    return f"[{form[0].upper()}{form[0]}]{pattern[1:]}"


def key(form: str) -> str:
    """Make all spellings of a form equal."""
    return re.sub(r"[\s-]+", " ", form).replace("'", "’").lower()


def glossary(env: BuildEnvironment) -> dict[str, tuple[str, str]]:
    """Give the page and the anchor of each term."""
    objects = env.domains["std"].objects
    return {name: place for (kind, name), place in objects.items() if kind == "term"}


def pieces(node: nodes.Element) -> Iterator[nodes.Text | nodes.reference]:
    """Walk through the links of a page and through its text that may become one."""
    parts: list[nodes.Node] = []
    for is_text, group in groupby(node.children, lambda child: isinstance(child, nodes.Text)):
        found = list(group)  # a line break parts a text in three
        parts += [nodes.Text("".join(map(str, found)))] if is_text else found
    node[:] = parts
    for child in parts:
        if isinstance(child, nodes.Text | nodes.reference):
            yield child
        elif not isinstance(child, SKIPPED) and QUIZ not in child["classes"]:
            yield from pieces(child)


def link_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link, in place, the first occurrence of each term on a page."""
    places = glossary(app.env)
    if not places or docname in {page for page, _ in places.values()}:
        return
    meanings = {term: term for term in places if term not in SENSES}
    for term, sense in SENSES.items():
        if term in places and docname in sense["pages"]:
            meanings[sense["word"]] = term
    terms = {form: term for word, term in meanings.items() for form in forms(word)}
    longest_first = sorted(terms, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(map(spelling, longest_first))})(?![\w-])")
    terms = {key(form): term for form, term in terms.items()}
    anchors = {anchor: term for term, (_, anchor) in places.items()}
    seen: set[str] = set()
    for piece in pieces(doctree):
        if isinstance(piece, nodes.reference):
            seen.add(anchors.get(str(piece.get("refuri", "")).partition("#")[2], ""))
            continue
        text, parts, last = str(piece), [], 0
        for match in pattern.finditer(text):
            term = terms[key(match.group())]
            if term in seen:
                continue
            seen.add(term)
            word = nodes.inline("", match.group(), classes=["xref", "std", "std-term"])
            link = make_refnode(app.builder, docname, *places[term], word)
            parts += [nodes.Text(text[last : match.start()]), link]
            last = match.end()
        if parts:
            piece.parent.replace(piece, [*parts, nodes.Text(text[last:])])


def pages_to_write(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Name all pages if the terms are not those of the last build."""
    before = getattr(env, "glossary_terms", None)
    env.glossary_terms = glossary(env)  # type: ignore[attr-defined]
    return [] if env.glossary_terms == before else sorted(env.found_docs)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handlers with Sphinx."""
    app.connect("env-updated", pages_to_write)
    app.connect("doctree-resolved", link_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
