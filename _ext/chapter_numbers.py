"""Number a chapter as its file is: the primer between chapters 1 and 2 has the letter P."""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector

CHAPTER = re.compile(r"chapters/(?:0?(\d+)_|primer$)")


def renumber(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give the sections, figures, equations and exercises of a chapter the number of its file."""
    for docname in env.toc_secnumbers:
        if found := CHAPTER.match(docname):
            chapter = int(found[1]) if found[1] else "P"
            anchors = env.toc_secnumbers[docname]
            for anchor, number in anchors.items():
                anchors[anchor] = number and (chapter, *number[1:])
            for node in (env.titles[docname], *env.tocs[docname].findall(nodes.reference)):
                if number := node.get("secnumber"):
                    node["secnumber"] = (chapter, *number[1:])
    return list(TocTreeCollector().assign_figure_numbers(env))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the handler, to be called after the numbers have been given."""
    app.connect("env-get-updated", renumber, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
