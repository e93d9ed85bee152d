"""A style of bibliography that says, after each entry, why to read it: the field ``annote``."""

from pybtex.database import BibliographyData, Entry
from pybtex.plugin import register_plugin
from pybtex.richtext import Tag, Text
from pybtex.style import FormattedEntry
from pybtex.style.formatting.plain import Style as Plain
from sphinx.application import Sphinx


class Annotated(Plain):
    """The style ``plain``, with the annotation behind it."""

    def format_entry(
        self, label: str, entry: Entry, bib_data: BibliographyData | None = None
    ) -> FormattedEntry:
        """Format an entry."""
        plain = super().format_entry(label, entry, bib_data)
        note = Tag("em", Text.from_latex(entry.fields.get("annote", "")))
        return FormattedEntry(plain.key, Text(plain.text, " ", note), plain.label)


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the style known to pybtex."""
    register_plugin("pybtex.style.formatting", "annotated", Annotated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
