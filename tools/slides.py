"""Make a deck of slides of each chapter, from its built page.

A section is a few slides: the first sentence of each paragraph, the equations, the short cells,
the figures. What the page says beyond that becomes the speaker's notes. A deck opens from disk.
"""

import copy
import html
import math
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from notebooks import ROOT, order

SITE = ROOT / "_build" / "html"
REVEAL = ROOT / "tools" / "node" / "node_modules" / "reveal.js"
HANDOUTS = ROOT / "tools" / "handouts"
ROOM = 540  # pixels below the heading of a slide, which is 1280 wide and 720 high
MOST_SENTENCES = 4
LINE = 88  # letters in a line of text
SHORT = 130  # letters of several sentences that are said together


def clean(tag: Tag) -> Tag:
    """Copy an element without what only a page needs."""
    tag = copy.copy(tag)
    for part in tag.select(".headerlink, style, script"):
        part.decompose()
    for link in tag.select("a, dfn"):
        link.unwrap()
    for part in [tag, *tag.find_all(True)]:
        part.attrs.pop("id", None)
    return tag


def heading_of(section: Tag) -> str:
    """Give the heading of a section."""
    heading = section.find(["h1", "h2", "h3"], recursive=False)
    assert isinstance(heading, Tag)
    return clean(heading).decode_contents()


def sentences(paragraph: Tag) -> list[str]:
    """Split a paragraph, whose source has one sentence a line, where all markup is closed."""
    found, open_part = [], ""
    for line in clean(paragraph).decode_contents().strip().split("\n"):
        open_part = f"{open_part} {line}".strip()
        tags = re.findall(r"<(/?)\w+[^>]*?(/?)>", open_part)
        if sum((not end) - bool(end) for end, alone in tags if not alone) == 0:
            found.append(open_part)
            open_part = ""
    return [*found, open_part] if open_part else found


def letters(markup: str) -> int:
    """Count the letters that a reader sees, an equation's command as one."""
    text = BeautifulSoup(markup, "html.parser").get_text()
    return len(re.sub(r"\\[a-zA-Z]+", "x", text))


def text_height(markup: str) -> int:
    """Estimate the height of a line of text or more."""
    return 37 * math.ceil(letters(markup) / LINE) + 14


def opening(paragraph: Tag) -> str:
    """Give the first sentence of a paragraph, and those after it while all is short."""
    first, *others = sentences(paragraph)
    for sentence in others:
        if letters(f"{first} {sentence}") > SHORT:
            break
        first = f"{first} {sentence}"
    return first


class Slide:
    """One slide, which fills from the top."""

    def __init__(self, heading: str, above: str = "") -> None:
        self.heading = heading
        self.above = above
        self.parts: list[str] = []
        self.notes: list[str] = []
        self.height = 0
        self.sentences = 0
        self.exhibits = 0

    def fits(self, height: int) -> bool:
        """Tell whether there is room for something of this height."""
        return self.height + height <= ROOM

    def say(self, sentence: str) -> bool:
        """Add a sentence if there is room for it."""
        height = text_height(sentence)
        if not sentence or self.sentences >= MOST_SENTENCES or not self.fits(height):
            return False
        self.parts.append(f"<p>{sentence}</p>")
        self.height += height
        self.sentences += 1
        return True

    def show(self, markup: str, height: int) -> None:
        """Add something to look at."""
        self.parts.append(markup)
        self.height += height
        self.exhibits += 1

    def markup(self) -> str:
        """Write the slide."""
        above = f'<p class="above">{self.above}</p>\n' if self.above else ""
        notes = f'\n<aside class="notes">{"".join(self.notes)}</aside>' if self.notes else ""
        body = "\n".join(self.parts)
        return f"<section>\n{above}<h2>{self.heading}</h2>\n{body}{notes}\n</section>"


def lines_of(pre: Tag | None) -> int:
    """Count the lines of code or of an output."""
    return len(pre.get_text().strip("\n").split("\n")) if pre else 0


def exhibit(block: Tag) -> tuple[str, int]:
    """Write something to look at and estimate its height; nothing if it is too large to read."""
    classes = set(block.get("class") or [])
    if "math" in classes:
        heights = re.findall(r'class="strut" style="height:([\d.]+)em', str(block))
        return str(clean(block)), 75 + round(33 * max(map(float, heights), default=1))
    if block.name in ("ul", "ol"):
        items = [item_words(item) for item in block.find_all("li", recursive=False)]
        shown = "".join(f"<li>{item}</li>" for item in items)
        return f"<{block.name}>{shown}</{block.name}>", sum(map(text_height, items)) + 10
    if block.name == "table" or "pst-scrollable-table-container" in classes:
        return table_markup(block)
    if "cell" in classes:
        return cell(block)
    return "", 0


def item_words(item: Tag) -> str:
    """Give the bold words before a full stop or a colon, else an item's first sentence."""
    words = sentences(item.p or item)[0]
    bold = re.match(r"<strong>((?!</strong>).)+(\.</strong>|</strong>(?=:))", words)
    return bold[0] if bold else words


def table_markup(block: Tag) -> tuple[str, int]:
    """Write a table that is small enough to read."""
    rows = block.find_all("tr")
    texts = [[len(cell.get_text().strip()) for cell in row.find_all(["th", "td"])] for row in rows]
    columns = zip_longest(*map(reversed, texts), fillvalue=0)  # what spans rows stands at the left
    width = sum(11 * max(column) + 26 for column in columns)
    if len(rows) > 11 or width > 1150:
        return "", 0
    return f"<div>{clean(block)}</div>", 33 * len(rows) + 26


def code_markup(pre: Tag) -> str:
    """Write code, with at most one empty line in a row."""
    return re.sub(r"\n{3,}", "\n\n", clean(pre).decode_contents().strip("\n"))


def cell(block: Tag) -> tuple[str, int]:
    """Write a short cell with a short output, or only the output where both would not fit."""
    shown: list[tuple[str, int]] = []
    code = block.select_one(".cell_input pre")
    if code and not block.select_one("details") and lines_of(code) <= 13:
        lines = code_markup(code)
        shown.append((f'<pre class="code">{lines}</pre>', 27 * (lines.count("\n") + 1) + 34))
    for output in block.select(".cell_output > .output"):
        table, text = output.find("table"), output.find("pre")
        if isinstance(table, Tag):
            shown.append(table_markup(table))
        elif isinstance(text, Tag) and lines_of(text) <= 9:
            words = html.escape(text.get_text().strip())
            shown.append((f'<pre class="output">{words}</pre>', 27 * lines_of(text) + 20))
    if sum(height for _, height in shown) > ROOM - 100:
        shown = shown[1:]
    return "".join(markup for markup, _ in shown), sum(height for _, height in shown)


def figure(block: Tag) -> str:
    """Write a figure that takes the room that is left."""
    picture = block.find("img")
    assert isinstance(picture, Tag)
    alt = html.escape(str(picture.get("alt", "")))
    source = Path(str(picture["src"])).name
    words = block.select_one(".caption-text")
    caption = sentences(words)[0] if words else ""
    image = f'<img src="images/{source}" alt="{alt}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


class Deck:
    """The slides of a section as they are made; its last paragraph waits for what follows it."""

    def __init__(self, heading: str, above: str) -> None:
        self.heading = heading
        self.above = above
        self.slide = Slide(heading, above)
        self.done: list[Slide] = []
        self.waiting = ""

    def say_waiting(self) -> None:
        """Say what waits on this slide, or nowhere."""
        self.slide.say(self.waiting)
        self.waiting = ""

    def turn(self) -> None:
        """Begin a new slide."""
        if self.slide.parts:
            self.done.append(self.slide)
        self.slide = Slide(self.heading, self.above)

    def add_paragraph(self, block: Tag) -> None:
        """Let the opening wait, and put the whole paragraph into the notes."""
        self.say_waiting()
        self.waiting = opening(block)
        self.slide.notes.append(str(clean(block)))

    def add_picture(self, picture: Tag) -> None:
        """Give a picture a slide of its own."""
        if self.slide.parts:
            if self.slide.say(self.waiting):
                self.waiting = ""
            self.turn()
        self.say_waiting()
        self.slide.show(figure(picture), ROOM)

    def add_slides(self, slides: Iterable[Slide]) -> None:
        """Put whole slides after this one."""
        self.say_waiting()
        self.turn()
        self.done += slides

    def add_exhibit(self, block: Tag) -> None:
        """Show a formula, list, table or cell, below what waits; a cell needs words or output."""
        markup, height = exhibit(block)
        said = self.waiting or block.select_one(".cell_output") or not self.slide.exhibits
        alone = "cell" in (block.get("class") or []) and not said
        if not markup or height > ROOM or alone:
            return
        needed = height + (text_height(self.waiting) if self.waiting else 0)
        if self.slide.exhibits >= 2 or not self.slide.fits(needed):
            self.turn()
        self.say_waiting()
        if self.slide.fits(height):
            self.slide.show(markup, height)


def section_slides(section: Tag, above: str = "") -> Iterator[Slide]:
    """Make the slides of a section and of those in it."""
    heading = heading_of(section)
    deck = Deck(heading, above)
    for block in section.find_all(True, recursive=False):
        classes = set(block.get("class") or [])
        picture = block if block.name == "figure" else block.find("figure")
        if block.name == "section" or classes & {"live-figure", "deeper"}:
            continue  # a section comes below; a live figure has no picture; a box is no slide
        if block.name == "p":
            deck.add_paragraph(block)
        elif isinstance(picture, Tag):
            deck.add_picture(picture)
        elif "quiz" in classes:
            deck.add_slides(question_slides(block))
        elif "wrong" in classes:
            deck.add_slides([wrong_slide(block)])
        else:
            deck.add_exhibit(block)
    deck.add_slides([])
    yield from deck.done
    for part in section.find_all("section", recursive=False):
        yield from section_slides(part, heading)


def wrong_slide(block: Tag) -> Slide:
    """Make the slide of what is wrong on purpose."""
    title = block.select_one(".admonition-title")
    assert isinstance(title, Tag)
    name = title.get_text().removeprefix("Wrong on purpose:").strip()
    slide = Slide(name[0].upper() + name[1:], "✗ Wrong on purpose")
    for part in block.find_all(["p", "div"], recursive=False):
        if part is title:
            continue
        if "math" in (part.get("class") or []):
            slide.show(*exhibit(part))
        else:
            for sentence in sentences(part):
                slide.say(sentence)
    return slide


def question_slides(block: Tag) -> Iterator[Slide]:
    """Make a slide of each question of a quiz; its options open as on the page."""
    for place, item in enumerate(block.select("ol > li"), start=1):
        assert item.p
        slide = Slide(" ".join(sentences(item.p)), f"Check yourself, {place}")
        options = item.find("ul")
        assert isinstance(options, Tag)
        slide.show(str(clean(options)), 0)
        yield slide


def exercise_slides(section: Tag) -> Iterator[Slide]:
    """Make a slide of each exercise, with what a learner starts from and without its solution."""
    slide = None
    for block in section.find_all(True, recursive=False):
        classes = set(block.get("class") or [])
        if "exercise" in classes:
            if slide:
                yield slide
            number, title = (
                block.select_one(".caption-number"),
                block.select_one(".admonition-title"),
            )
            assert number and title
            name = title.get_text().removeprefix(number.get_text()).strip(" ()")
            slide = Slide(name, number.get_text())
            for part in block.select("section > p, section > ul, section > div.math"):
                if part.name == "p":
                    slide.sentences = 0
                    for sentence in sentences(part):
                        slide.say(sentence)
                else:
                    markup, height = exhibit(part)
                    if slide.fits(height):
                        slide.show(markup, height)
        elif "tag_exercise" in classes and slide:
            block = copy.copy(block)
            for output in block.select(".cell_output"):
                output.decompose()
            markup, height = cell(block)
            if markup and slide.fits(height):
                slide.show(markup, height)
    if slide:
        yield slide


def deck(page: Path) -> str:
    """Write the slides of a chapter."""
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    chapter = soup.select_one("article > section")
    assert isinstance(chapter, Tag)
    title = heading_of(chapter)
    opening = [sentence for block in chapter.find_all("p", recursive=False)[:1]
               for sentence in sentences(block)[:2]]  # fmt: skip
    glance = [
        f"<p>{clean(line).decode_contents()}</p>"
        for line in chapter.select(".glance p.sd-card-text")
    ]
    slides = [
        f'<section class="title">\n<h1>{title}</h1>\n'
        + "\n".join(f"<p>{sentence}</p>" for sentence in opening)
        + f'\n<div class="glance">{"".join(glance)}</div>\n</section>'
    ]
    for section in chapter.find_all("section", recursive=False):
        exercises = heading_of(section) == "Exercises"
        made = exercise_slides(section) if exercises else section_slides(section)
        slides += [slide.markup() for slide in made]
    template = (HANDOUTS / "deck.html").read_text("utf-8")
    name = html.escape(soup.select_one("h1").contents[0].get_text())
    return template.replace("TITLE", name).replace("SLIDES", "\n".join(slides))


def build(pages: list[Path], out: Path) -> None:
    """Write the decks of some pages into a folder, with all that they need."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "images").mkdir(parents=True)
    for name in (
        "dist/reveal.js",
        "dist/reveal.css",
        "dist/reset.css",
        "plugin/notes/notes.js",
        "LICENSE",
    ):
        (out / "reveal" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REVEAL / name, out / "reveal" / name)
    shutil.copytree(ROOT / "_static" / "vendor" / "fonts", out / "fonts")
    shutil.copytree(ROOT / "_static" / "vendor" / "katex", out / "katex")
    for name in ("deck.css", "deck.js"):
        shutil.copy(HANDOUTS / name, out)
    links = []
    for page in pages:
        text = deck(page)
        (out / page.name).write_text(text, "utf-8")
        for image in re.findall(r'src="images/([^"]+)"', text):
            shutil.copy(SITE / "_images" / image, out / "images")
        title = re.findall(r"<title>(.*?)</title>", text)[0]
        links.append(f'<li><a href="{page.name}">{title}</a></li>')
    contents = (HANDOUTS / "decks.html").read_text("utf-8")
    (out / "index.html").write_text(contents.replace("LINKS", "\n".join(links)), "utf-8")


if __name__ == "__main__":
    if not REVEAL.exists():
        sys.exit("reveal.js is missing: run npm ci --prefix tools/node")
    chapters = sorted((SITE / "chapters").glob("*.html"), key=order)
    if not chapters:
        sys.exit("the book is not built: run make book")
    build(chapters, ROOT / "_build" / "slides")
    print(f"Open {(ROOT / '_build' / 'slides' / 'index.html').as_uri()}")
