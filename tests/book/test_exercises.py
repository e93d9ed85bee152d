"""Every exercise has its solution, and no page shows one before it is asked for."""

from pathlib import Path

from bs4 import BeautifulSoup


def test_each_exercise_has_one_solution_which_folds(pages: dict[Path, BeautifulSoup]) -> None:
    chapters = {file: page for file, page in pages.items() if file.parent.name == "chapters"}
    for file, page in chapters.items():
        exercises = [f"#{exercise['id']}" for exercise in page.select("div.exercise")]
        solutions = page.select("div.solution")
        assert len(exercises) >= 3, file.name
        assert [str(s.select_one(".admonition-title a")["href"]) for s in solutions] == exercises
        for solution in solutions:
            assert "dropdown" in solution["class"], solution.select_one(".admonition-title").text
            assert len(solution.select_one("section").text) > 40
        inside = page.select("div.solution .cell.tag_solution")
        assert inside == page.select(".cell.tag_solution")
        assert len(inside) == len(exercises), file.name
