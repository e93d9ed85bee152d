"""A style of bibliography that says, after each entry, why to read it: the field ``annote``."""

from collections.abc import Iterable, Iterator

from pybtex.database import BibliographyData, Entry
from pybtex.plugin import register_plugin
from pybtex.richtext import Tag, Text
from pybtex.style import FormattedEntry
from pybtex.style.formatting.plain import Style as Plain
from sphinx.application import Sphinx


class Annotated(Plain):
    """The style ``plain``, with the annotation behind it."""

    def format_entries(
        self, entries: Iterable[Entry], bib_data: BibliographyData | None = None
    ) -> Iterator[FormattedEntry]:
        """Format entries, in order."""
        found = list(entries)
        notes = {entry.key: entry.fields.get("annote", "") for entry in found}
        for formatted in super().format_entries(found, bib_data):
            note = Tag("em", Text.from_latex(notes[formatted.key]))
            yield FormattedEntry(formatted.key, Text(formatted.text, " ", note), formatted.label)


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the style known to pybtex."""
    register_plugin("pybtex.style.formatting", "annotated", Annotated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
