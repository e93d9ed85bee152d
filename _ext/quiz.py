"""The ``quiz`` directive: five questions of a YAML file, each option with its reason.

An option is a native ``details`` element, so that a quiz is taken by mouse, keyboard or screen
reader without a script; what is right and wrong is said in words.
"""

from pathlib import Path
from string import ascii_uppercase
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

Question = dict[str, Any]
FORBIDDEN = ("all of the above", "none of the above")


def read(path: Path) -> list[Question]:
    """Read the questions of a quiz; a ValueError says what is wrong with them, and where."""
    try:
        questions = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if not isinstance(questions, list) or len(questions) != 5:
        raise ValueError(f"{path.name}: a quiz is a list of five questions")
    for number, question in enumerate(questions, start=1):
        if problem := problem_of(question):
            raise ValueError(f"{path.name}, question {number}: {problem}")
    return questions


def problem_of(question: Any) -> str | None:
    """Say what is wrong with a question, or None if nothing is."""
    if not isinstance(question, dict) or set(question) != {"question", "options"}:
        return "give it a question and its options, and nothing else"
    options = question["options"]
    if not isinstance(options, list) or len(options) not in (3, 4):
        return "give it three or four options"
    for letter, option in zip(ascii_uppercase, options, strict=False):
        if not isinstance(option, dict) or set(option) - {"right"} != {"answer", "reason"}:
            return f"option {letter} needs an answer and a reason"
        if option.get("right", True) is not True:
            return f"option {letter}: mark the right one with `right: true`, no other"
    texts = [question["question"], *(option[part] for option in options for part in PARTS)]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return "each question, answer and reason is a text; put quotation marks around it"
    if len({option["answer"] for option in options}) < len(options):
        return "two answers are the same"
    if any(phrase in text.lower() for text in texts for phrase in FORBIDDEN):
        return "an option stands for itself, not for the others"
    if sum("right" in option for option in options) != 1:
        return "exactly one option is right"
    return None


PARTS = ("answer", "reason")


class details(nodes.General, nodes.Element):
    """Something that opens."""


class summary(nodes.General, nodes.TextElement):
    """What is seen of it while it is closed."""


class Quiz(SphinxDirective):
    """Five questions of the file that the argument names, relative to the page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make a list of questions, each with a list of options."""
        name, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(name)
        try:
            questions = read(Path(path))
        except ValueError as error:
            raise self.error(str(error)) from error
        listing = nodes.enumerated_list("", *map(self.question, questions), enumtype="arabic")
        return [nodes.container("", listing, classes=["quiz"])]

    def question(self, question: Question) -> nodes.list_item:
        """Show a question and its options."""
        options = nodes.bullet_list(classes=["quiz-options"])
        for letter, option in zip(ascii_uppercase, question["options"], strict=False):
            options += nodes.list_item("", self.option(letter, option))
        return nodes.list_item("", self.paragraph(question["question"]), options)

    def option(self, letter: str, option: dict[str, str]) -> details:
        """Show an answer, and when it is opened whether it is right, and why."""
        answer = summary("", f"{letter}. ", *self.inline(option["answer"]))
        verdict = nodes.strong(text="Right." if "right" in option else "No.")
        mark = "right" if "right" in option else "not-right"
        reason = nodes.paragraph("", "", verdict, nodes.Text(" "), *self.inline(option["reason"]))
        return details("", answer, reason, classes=["quiz-option", mark])

    def paragraph(self, text: str) -> nodes.paragraph:
        """Make a paragraph of inline markup."""
        return nodes.paragraph("", "", *self.inline(text))

    def inline(self, text: str) -> list[nodes.Node]:
        """Parse inline markup."""
        parsed, messages = self.state.inline_text(text.strip(), self.lineno)
        return [*parsed, *messages]


def unlink_answers(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Leave the words of links in answers: an answer is a button, and a button holds no link."""
    for answer in doctree.findall(summary):
        for link in list(answer.findall(nodes.reference)):
            link.replace_self(link.children)


def open_details(translator: Any, node: details) -> None:
    """Begin a details element."""
    translator.body.append(translator.starttag(node, "details"))


def close_details(translator: Any, node: details) -> None:
    """End a details element."""
    translator.body.append("</details>\n")


def open_summary(translator: Any, node: summary) -> None:
    """Begin a summary element."""
    translator.body.append("<summary><span>")


def close_summary(translator: Any, node: summary) -> None:
    """End a summary element."""
    translator.body.append("</span></summary>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive with Sphinx."""
    app.add_node(details, html=(open_details, close_details))
    app.add_node(summary, html=(open_summary, close_summary))
    app.add_directive("quiz", Quiz)
    app.connect("doctree-resolved", unlink_answers, priority=900)  # after all links are made
    return {"parallel_read_safe": True, "parallel_write_safe": True}
