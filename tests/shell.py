"""Commands, run in this process, and what they say."""

import re

from click.testing import Result
from typer.testing import CliRunner

from coupon_rec.__main__ import app


def run(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(map(str, arguments)))


def words(result: Result) -> str:
    """What a command said to a person, without the frame around it."""
    return " ".join(re.sub("[─│╭╮╰╯]", " ", result.stderr).split())


def refusal(*arguments: object) -> str:
    """What is said of a command that has to be refused as bad input."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return words(result)
