"""Let a search for what a chapter is about lead to it, in the words that a reader would type.

`subjects.yml` lists these words; the search knows them as main entries of an index.
"""

from pathlib import Path

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

SUBJECTS: dict[str, list[str]] = yaml.safe_load(
    Path(__file__).with_name("subjects.yml").read_text("utf-8")
)


class Subjects(SphinxTransform):
    """Put the subjects of a chapter before its first section."""

    default_priority = 800  # before the index is read, at 850

    def apply(self) -> None:
        """Add the entries."""
        name = self.env.docname.removeprefix("chapters/")
        if name in SUBJECTS:
            target = next(self.document.findall(nodes.section))["ids"][0]
            entries = [("single", subject, target, "main", None) for subject in SUBJECTS[name]]
            self.document.insert(0, addnodes.index(entries=entries))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform."""
    app.add_transform(Subjects)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
