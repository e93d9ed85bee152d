"""What another server says when it refuses."""

from http.client import HTTPException
from urllib.error import HTTPError


def quoted(error: HTTPError, most: int = 500) -> str:
    """Give the beginning of what came with an error, if it can be read."""
    try:
        return error.read(most).decode(errors="replace")
    except (OSError, HTTPException):
        return ""
