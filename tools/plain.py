"""The chapters' MyST as plain Markdown, which JupyterLab and any reader of Markdown can show.

Measured numbers come from the stored outputs, references become text, directives become
headings, quotations and pictures.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode
from notebooks import ROOT, order, read
from pybtex.database import Entry, parse_file
from quiz import Question
from quiz import read as read_quiz

COLORS = {"user": "#0072b2", "item": "#007a5e", "coupon": "#c75000", "money": "#8a4fa0"}
GLUED = "application/papermill.record/text/plain"

SYMBOL = re.compile(r"\\(user|item|coupon|money)\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
EQUATION = re.compile(r"^\$\$\n(.*?)\n\$\$(?: \(([\w-]+)\))?$", re.DOTALL | re.MULTILINE)
ROLE = re.compile(r"\{([\w:]+)\}`([^`]*)`")
TARGET = re.compile(r"^\(.*\)=\n", re.MULTILINE)
COMMENT = re.compile(r"^%.*\n", re.MULTILINE)
DIRECTIVE = re.compile(
    r"^(?P<fence>:::+|```+)\{(?P<name>[\w-]+)\} ?(?P<title>.*)\n"
    r"(?P<options>(?::[\w-]+:.*\n)*)(?P<body>(?:.*\n)*?)(?P=fence)$",
    re.MULTILINE,
)
OPTION = re.compile(r"^:([\w-]+): ?(.*)$", re.MULTILINE)


def chapters() -> list[Path]:
    """List the notebooks of the book."""
    return sorted((ROOT / "chapters").glob("*.ipynb"), key=order)


def number(path: Path) -> str:
    """Give the number of a chapter, or P for the primer."""
    return path.stem[:2].lstrip("0") if path.stem[0].isdigit() else "P"


def prose(notebook: NotebookNode) -> str:
    """Join the Markdown of a notebook."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def title_of(text: str) -> str:
    """Find the title of a page."""
    return re.findall(r"^# (.+)$", text, re.MULTILINE)[0]


def figures(notebook: NotebookNode) -> Iterator[str]:
    """List the names of a chapter's figures in their order."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and "figure" in cell.metadata.get("mystnb", {}):
            yield cell.metadata["mystnb"]["figure"]["name"]
        elif cell.cell_type == "markdown":
            yield from (
                dict(OPTION.findall(found["options"]))["name"]
                for found in DIRECTIVE.finditer(cell.source)
                if found["name"] in ("figure", "live")
            )


def with_dollars(line: str) -> str:
    """Escape the dollar signs of a line that mean money and not the end of an equation."""
    done = ""
    for part in re.split(r"(?<!\\)(?=\$\{glue)", line):
        signs = len(re.findall(r"(?<!\\)\$", done))
        done += f"\\{part}" if part.startswith("${glue") and signs % 2 == 0 else part
    return done


def cited(entry: Entry) -> tuple[str, str]:
    """Give the authors of a work, shortened, and its year."""
    people = [
        " ".join(str(part) for part in person.rich_prelast_names + person.rich_last_names)
        for person in entry.persons["author"]
    ]
    shortened = " and ".join(people) if len(people) < 3 else f"{people[0]} et al."
    return shortened, entry.fields["year"]


class Book:
    """What references of the book point to."""

    def __init__(self) -> None:
        notebooks = {path: read(path) for path in chapters()}
        self.titles = {path.stem: title_of(prose(notebook)) for path, notebook in notebooks.items()}
        self.numbers: dict[str, str] = {}
        appendices = {path: read(path) for path in (ROOT / "appendix").glob("*.ipynb")}
        for path, notebook in (notebooks | appendices).items():
            equations = (label for _, label in EQUATION.findall(prose(notebook)) if label)
            before = f"{number(path)}." if path in notebooks else ""
            for labels in (equations, figures(notebook)):
                for place, label in enumerate(labels, start=1):
                    self.numbers[label] = f"{before}{place}"
        self.works = {
            key: cited(entry) for key, entry in parse_file(ROOT / "references.bib").entries.items()
        }

    def linked(self, target: str, text: str | None) -> str:
        """Link to a chapter, or name another page."""
        name = Path(target).name
        if name not in self.titles:
            pages = (*ROOT.glob(f"appendix/{name}.*"), ROOT / f"{name}.md")
            page = next(page for page in pages if page.suffix in (".md", ".ipynb"))
            notebook = page.suffix == ".ipynb"
            return text or title_of(prose(read(page)) if notebook else page.read_text("utf-8"))
        return f"[{text or self.titles[name]}]({name}.ipynb)"


class Chapter:
    """The pages of one chapter in plain Markdown."""

    def __init__(self, book: Book, path: Path, notebook: NotebookNode) -> None:
        self.book = book
        self.path = path
        self.exercises = 0
        self.glued = {
            output.metadata["scrapbook"]["name"]: ast.literal_eval(output.data[GLUED])
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            if GLUED in output.get("data", {})
        }

    def plain(self, text: str) -> str:
        """Turn the MyST of a cell into Markdown."""
        text = EQUATION.sub(self.equation, TARGET.sub("", COMMENT.sub("", text)))
        return self.inline(DIRECTIVE.sub(self.directive, text)).strip()

    def inline(self, text: str) -> str:
        """Turn inline MyST into Markdown."""
        text = "\n".join(map(with_dollars, text.split("\n")))
        text = ROLE.sub(self.role, text)
        while SYMBOL.search(text):
            text = SYMBOL.sub(lambda s: rf"{{\color{{{COLORS[s[1]]}}}{{{s[2]}}}}}", text)
        return text

    def role(self, found: re.Match[str]) -> str:
        """Write out a reference or a number."""
        name, content = found.groups()
        explicit = re.fullmatch(r"(.+?) <(.+)>", content)
        text, target = explicit.groups() if explicit else (None, content)
        if name == "glue:text":
            key, _, form = content.partition(":")
            return format(self.glued[key], form)
        if name == "eq":
            return f"({self.book.numbers[target]})"
        if name == "numref":
            return f"Figure {self.book.numbers[target]}"
        if name == "doc":
            return self.book.linked(target, text)
        if name == "cite:t":
            return ", ".join("{} ({})".format(*self.book.works[key]) for key in target.split(","))
        if name == "cite:p":
            works = ("{} {}".format(*self.book.works[key]) for key in target.split(","))
            return f"({'; '.join(works)})"
        if name in ("term", "abbr", "ref"):
            return text or target
        raise ValueError(f"{self.path.name}: no plain text for the role {name}")

    def equation(self, found: re.Match[str]) -> str:
        """Number an equation."""
        body, label = found.groups()
        tag = f"\n\\tag{{{self.book.numbers[label]}}}" if label else ""
        return f"$$\n{body}{tag}\n$$"

    def directive(self, found: re.Match[str]) -> str:
        """Write out a block."""
        name, title, body = found["name"], found["title"], found["body"].strip()
        options = dict(OPTION.findall(found["options"]))
        if name == "exercise":
            self.exercises += 1
            return f"### Exercise {number(self.path)}.{self.exercises}: {title}\n\n{body}"
        if name == "figure":
            picture = f"![{options['alt']}](pictures/{Path(title).name})"
            return f"{picture}\n\n{self.caption(options['name'], body)}"
        if name == "live":
            return self.caption(options["name"], f"{body} It moves on the page of this chapter.")
        if name == "deeper-start":
            return f"---\n\n**Deeper: {title}** *Needs {options['needs']}.*"
        if name == "deeper-end":
            return "---"
        if name in ("admonition", "card"):
            return re.sub("^", "> ", f"**{title}**\n\n{body}", flags=re.MULTILINE)
        if name == "quiz":
            return "\n".join(self.asked(read_quiz(self.path.parent / title)))
        raise ValueError(f"{self.path.name}: no plain text for the directive {name}")

    def caption(self, name: str, text: str) -> str:
        """Write a caption with the figure's number."""
        return f"*Figure {self.book.numbers[name]}. {self.inline(text)}*"

    def asked(self, questions: list[Question]) -> Iterator[str]:
        """List the questions of a quiz without their answers."""
        for place, question in enumerate(questions, start=1):
            yield f"{place}. {' '.join(self.inline(question['question']).split())}\n"
            for letter, option in zip("ABCD", question["options"], strict=False):
                yield f"   - **{letter}.** {' '.join(self.inline(option['answer']).split())}"
            yield ""
