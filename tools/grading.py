"""Read from saved notebooks which exercises their checkers passed: `grading.py FOLDER ...`.

Each folder holds the notebooks of one learner. Nothing is executed: a saved verdict is read.
"""

import re
import sys
from pathlib import Path

from notebooks import read

ASKED = re.compile(r"\bcheck\w*\.exercise_(\d+)\(")
SIGNS = {"Right.": "+", "Not yet": "-"}


def verdicts(path: Path) -> dict[str, str]:
    """Give the last verdict on each exercise: ``+`` right, ``-`` not yet, ``?`` never run."""
    found: dict[str, str] = {}
    for cell in read(path).cells:
        for number in ASKED.findall(cell.source) if cell.cell_type == "code" else []:
            said = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
            sign = next(
                (SIGNS[word] for word in SIGNS for text in said if text.startswith(word)), "?"
            )
            found[number] = "+" if "+" in (sign, found.get(number)) else sign
    return found


def report(folders: list[Path]) -> str:
    """Write one line for each notebook of each learner."""
    lines = []
    for folder in folders:
        for path in sorted(folder.glob("*.ipynb")):
            marks = verdicts(path)
            right = sum(mark == "+" for mark in marks.values())
            each = " ".join(f"{number}{mark}" for number, mark in sorted(marks.items()))
            lines.append(f"{folder.name:<20} {path.stem:<20} {right} of {len(marks)}   {each}")
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("name the folders that hold the learners' notebooks")
    print(report([Path(name) for name in sys.argv[1:]]))
