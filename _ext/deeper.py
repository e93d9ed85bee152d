"""``deeper-start`` and ``deeper-end``: what lies between them becomes a folded box beside the path.

A box may hold code cells, which a directive cannot, so it has a start and an end, as a solution
has; it lies within one section. Slides leave boxes out, print unfolds them. Its cells are its own,
and each says so by itself, to tools that read a notebook cell by cell: code cells by the tag
``deeper``, a cell of text by the start and its class, or by the comment ``% deeper dropdown``.
"""

from docutils import nodes
from docutils.parsers.rst.directives import class_option, positive_int, unchanged_required
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)


class Start(nodes.General, nodes.Element):
    """Where a box begins."""


class End(nodes.General, nodes.Element):
    """Where it ends."""


class DeeperStart(SphinxDirective):
    """The title of a box, what it needs beyond the path, and the minutes that it takes."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {  # noqa: RUF012
        "needs": unchanged_required,
        "minutes": positive_int,
        "class": class_option,
    }

    def run(self) -> list[nodes.Node]:
        if missing := set(self.option_spec) - set(self.options):
            raise self.error(f"a box says what it is: add {', '.join(sorted(missing))}")
        minutes = self.options["minutes"]
        title = self.words(f"Deeper: {self.arguments[0]}")
        needs = self.words(f"Needs {self.options['needs']}.")
        time = f" {minutes} minute{'s' if minutes > 1 else ''}."
        box = Start(classes=self.options["class"])
        self.set_source_info(box)
        box += nodes.title("", "", *title)
        box += nodes.paragraph("", "", *needs, nodes.Text(time), classes=["deeper-needs"])
        return [box]

    def words(self, text: str) -> list[nodes.Node]:
        found, messages = self.state.inline_text(text, self.lineno)
        return [*found, *messages]


class DeeperEnd(SphinxDirective):
    """The end of a box."""

    def run(self) -> list[nodes.Node]:
        end = End()
        self.set_source_info(end)
        return [end]


class Fold(SphinxTransform):
    """Put what lies between a start and an end into one admonition."""

    default_priority = 10

    def apply(self) -> None:
        for start in list(self.document.findall(Start)):
            parent = start.parent
            after = parent[parent.index(start) + 1 :]
            marks = [node for node in after if isinstance(node, Start | End)]
            if not marks or isinstance(marks[0], Start):
                logger.error("this box has no end within its section", location=start)
                parent.remove(start)
                continue
            inside = after[: after.index(marks[0])]
            for node in (*inside, marks[0]):
                parent.remove(node)
            box = nodes.admonition("", *start.children, classes=["deeper", *start["classes"]])
            box += nodes.container("", *inside, classes=["deeper-body"])
            start.replace_self(box)
        for end in list(self.document.findall(End)):
            logger.error("this end of a box has no start within its section", location=end)
            end.parent.remove(end)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives and the transform."""
    app.add_directive("deeper-start", DeeperStart)
    app.add_directive("deeper-end", DeeperEnd)
    app.add_transform(Fold)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
