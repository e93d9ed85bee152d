"""What becomes a link to the glossary, and what is left alone, in a book of two pages."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx

EXTENSIONS = Path(__file__).parents[1] / "_ext"
GLOSSARY = """\
# Glossary

```{glossary}
AUC
  Order only.

log loss
cross-entropy
  The price of being sure and wrong.

loss
  What is lost.

offer
  One coupon for one user.

policy
  A rule.

margin
  An everyday word elsewhere.
```
"""


LINKED = [
    ("An offer, and the offer again.", [("offer", "offer")]),
    ("Policies differ.", [("Policies", "policy")]),
    ("The log\nloss falls.", [("log loss", "log-loss")]),
    ("Another loss, then log loss.", [("loss", "loss"), ("log loss", "log-loss")]),
    ("In *offers* too.", [("offers", "offer")]),
    ("The {term}`rule <policy>` first, then a policy.", [("rule", "policy")]),
]
LEFT_ALONE = [
    "## About offers",
    "```\noffer\n```",
    "[an offer](https://example.com)",
    "```{figure} offer.png\nAn offer.\n```",
    "A proffer, user-offers and an AUCs-like word.",
    "auc and Auc are no names.",
    "The margin of a page.",
]


def build(folder: Path, texts: list[str], glossary: str = GLOSSARY) -> list[BeautifulSoup]:
    """Build a book with a page for each text, and give what stands on the pages."""
    (folder / "glossary.md").write_text(glossary)
    (folder / "index.md").write_text("# Book\n")
    for number, text in enumerate(texts):
        (folder / f"{number}.md").write_text(f"# A heading\n\n{text}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXTENSIONS))
        settings = {"extensions": ["myst_parser", "glossary_links"]}
        places = (folder, None, folder / "built", folder / "doctrees")
        Sphinx(*places, "html", settings, status=None, warning=None).build()
    pages = [folder / "built" / f"{number}.html" for number in range(len(texts))]
    return [BeautifulSoup(page.read_text(), "html.parser").select_one("div.body") for page in pages]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BeautifulSoup]:
    """The page of each text."""
    texts = [text for text, _ in LINKED] + LEFT_ALONE
    return dict(zip(texts, build(tmp_path_factory.mktemp("book"), texts), strict=True))


def links(page: BeautifulSoup) -> list[tuple[str, str]]:
    """List the words that are links to the glossary, and to which term."""
    return [
        (re.sub(r"\s+", " ", a.text), str(a["href"]).partition("#term-")[2])
        for a in page.select('a[href^="glossary.html"]')
    ]


@pytest.mark.parametrize(("text", "expected"), LINKED)
def test_the_first_use_of_a_term_and_no_other_is_a_link(
    book: dict[str, BeautifulSoup], text: str, expected: list[tuple[str, str]]
) -> None:
    assert links(book[text]) == expected


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_headings_code_links_captions_math_and_other_words_stay_as_they_are(
    book: dict[str, BeautifulSoup], text: str
) -> None:
    assert links(book[text]) == []
