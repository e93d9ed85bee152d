"""Make what a teacher hands out: notebooks without solutions, quizzes to print, one zip.

Everything goes to ``_build/workshop``. The quizzes with their key stay out of the zip.
"""

import ast
import html
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from equations import typeset
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from notebooks import ROOT, read
from plain import Book, Chapter, chapters, number, prose, title_of
from quiz import Question
from quiz import read as read_quiz

HANDOUTS = ROOT / "tools" / "handouts"
NAME = "the-right-coupon-workshop"
FILES = ["LICENSE", "LICENSE-text", "pyproject.toml", "requirements.txt"]
FOLDERS = ["benchmarks/results", "coupon_rec", "data"]
SOLUTION = re.compile(
    r"(?:::+|`{3,})\{solution-start\}.*?(?:(:::+|`{3,})\{solution-end\}\n\1|\Z)", re.DOTALL
)
NOTE_AMONG_OTHERS = re.compile(r"^(from .* import .*?)(?:\bnote, |, note$)", re.MULTILINE)


# Student notebooks


def edited(cell: NotebookNode, **parts: Any) -> NotebookNode:
    """Give a copy of a cell with some parts exchanged."""
    return nbformat.from_dict({**cell, **parts})


def without_solutions(cells: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    """Leave out everything from the start of a solution to its end."""
    inside = False
    for cell in cells:
        if cell.cell_type == "markdown":
            text = f":::{{solution-start}}\n{cell.source}" if inside else cell.source
            kept = SOLUTION.sub("", text)
            inside = "{solution-start}" in text.rpartition("{solution-end}")[2]
            if kept.strip():
                yield edited(cell, source=kept.strip())
        elif not inside:
            yield cell


def loaded(node: ast.AST) -> set[str]:
    """List the names that code reads."""
    return {
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
    }


def bound(node: ast.AST) -> set[str]:
    """List the names that code defines, or whose parts it sets."""
    names = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(part.name)
        elif isinstance(part, ast.alias):
            names.add((part.asname or part.name).split(".")[0])
        elif isinstance(part, ast.Subscript | ast.Attribute) and isinstance(part.ctx, ast.Store):
            names |= loaded(part.value)
    return names


def writers(trees: Iterable[ast.Module]) -> set[str]:
    """Name the functions that write numbers for the prose: `note`, and those that call it."""
    functions = [part for tree in trees for part in tree.body if isinstance(part, ast.FunctionDef)]
    return {"note"} | {function.name for function in functions if "note" in loaded(function)}


def without_notes(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Drop what writes and proves the numbers of the prose, which a learner is free to change."""
    cells = [edited(cell, source=NOTE_AMONG_OTHERS.sub(r"\1", cell.source)) for cell in cells]
    trees = {cell.id: ast.parse(cell.source) for cell in cells if cell.cell_type == "code"}
    writing = writers(trees.values())
    kept: list[NotebookNode] = []
    needed: set[str] = set()
    for cell in reversed(cells):
        if tree := trees.get(cell.id):
            hidden = "remove-cell" in cell.metadata.get("tags", [])
            notes = [
                part
                for part in tree.body
                if writing & (loaded(part) | bound(part))
                or (hidden and isinstance(part, ast.Assert))
            ]
            tree.body = [part for part in tree.body if part not in notes]
            if notes and not bound(tree) & needed:
                continue
            gone = {line for note in notes for line in range(note.lineno, note.end_lineno + 1)}
            lines = enumerate(cell.source.splitlines(keepends=True), start=1)
            source = "".join(line for place, line in lines if place not in gone)
            cell = edited(cell, source=source.strip())
            needed |= loaded(tree)
        kept.append(cell)
    return kept[::-1]


def student(book: Book, path: Path) -> NotebookNode:
    """Make the notebook that a learner gets of a chapter."""
    notebook = read(path)
    chapter = Chapter(book, path, notebook)
    cells = []
    for cell in without_notes(list(without_solutions(notebook.cells))):
        if cell.cell_type == "markdown":
            cells.append(edited(cell, source=chapter.plain(cell.source)))
            continue
        hidden = {"remove-cell", "hide-input"} & set(cell.metadata.get("tags", []))
        metadata = {"jupyter": {"source_hidden": True}} if hidden else {}
        cells.append(edited(cell, outputs=[], execution_count=None, metadata=metadata))
        figure = cell.metadata.get("mystnb", {}).get("figure")
        if figure:
            caption = nbformat.v4.new_markdown_cell(
                chapter.caption(figure["name"], figure["caption"]), id=f"{cell.id}-caption"
            )
            cells.append(caption)
    notebook.cells = cells
    return notebook


# Quizzes to print


def printed(chapter: Chapter, title: str, questions: list[Question], key: bool) -> str:
    """Write a chapter's quiz as a sheet, with or without what is right and why."""
    markdown = MarkdownIt("commonmark").use(
        dollarmath_plugin,
        renderer=lambda text, options: typeset(text),
    )

    def inline(text: str) -> str:
        return str(markdown.renderInline(" ".join(chapter.inline(text).split())))

    items = []
    for question in questions:
        options = []
        for letter, option in zip("ABCD", question["options"], strict=False):
            verdict = "Right" if "right" in option else "No"
            reason = f"<br><strong>{verdict}.</strong> {inline(option['reason'])}" if key else ""
            options.append(f"<li><b>{letter}.</b> {inline(option['answer'])}{reason}</li>")
        items.append(
            f"<li>{inline(question['question'])}\n"
            f'<ul class="options">\n{chr(10).join(options)}\n</ul></li>'
        )
    chapter_of = number(chapter.path)
    name = "Primer" if chapter_of == "P" else f"Chapter {chapter_of}"
    heading = f"{name}. {html.escape(title)}"
    top = f"<h1>{heading}: key</h1>" if key else f'<h1>{heading}</h1>\n<p class="name">Name:</p>'
    listing = f'<ol class="questions">\n{chr(10).join(items)}\n</ol>'
    return f'<section class="{"key" if key else "quiz"}">\n{top}\n{listing}\n</section>'


def sheets(quizzes: list[tuple[Chapter, str, list[Question]]], keys: bool) -> str:
    """Write all quizzes, each on a sheet of its own, and their keys after them if asked."""
    sections = [
        printed(*quiz, key=key) for key in ([False, True] if keys else [False]) for quiz in quizzes
    ]
    return (HANDOUTS / "quizzes.html").read_text("utf-8").replace("BODY", "\n".join(sections))


# Everything together


def build(out: Path) -> Path:
    """Write what a teacher hands out into a folder and give the path of the zip."""
    shutil.rmtree(out, ignore_errors=True)
    folder = out / NAME
    (folder / "notebooks" / "pictures").mkdir(parents=True)
    book, quizzes = Book(), []
    for path in chapters():
        notebook = read(path)
        nbformat.write(student(book, path), folder / "notebooks" / path.name)
        for name in re.findall(r"_static/diagrams/([\w-]+\.svg)", prose(notebook)):
            shutil.copy(ROOT / "_static" / "diagrams" / name, folder / "notebooks" / "pictures")
        file = path.parent / "quizzes" / f"{path.stem}.yml"
        if file.exists():
            chapter = Chapter(book, path, notebook)
            quizzes.append((chapter, title_of(prose(notebook)), read_quiz(file)))
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "make_*.py")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for path in (folder / "data" / "models").glob("*"):
        if path.suffix != ".onnx":  # the recognizer alone is small, and free to give away
            path.unlink()
    shutil.copy(HANDOUTS / "README.md", folder)
    (folder / "quizzes.html").write_text(sheets(quizzes, keys=False), "utf-8")
    (out / "quizzes-with-key.html").write_text(sheets(quizzes, keys=True), "utf-8")
    for place in (folder, out):
        shutil.copytree(ROOT / "_static/vendor/katex", place / "katex")
    archive = out / f"{NAME}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for file in sorted(folder.rglob("*")):
            zipped.write(file, file.relative_to(out))
    return archive


if __name__ == "__main__":
    made = build(ROOT / "_build" / "workshop")
    print(f"For learners: {made}")
    print(f"To print, with the key: {made.parent / 'quizzes-with-key.html'}")
