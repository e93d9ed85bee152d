"""What Lighthouse says of the built pages, as a table: ``lighthouse.py [PAGE ...]``."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
COMMAND = ROOT / "tools" / "node" / "node_modules" / "lighthouse" / "cli" / "index.js"
CATEGORIES = ["performance", "accessibility", "best-practices", "seo"]
TEXT = {".html", ".css", ".js", ".svg", ".json", ".xml", ".txt"}


class Handler(SimpleHTTPRequestHandler):
    """Serve files as the book's host does: text is compressed, everything may be kept."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        if path.suffix in TEXT:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=31536000")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:
        """Stay silent."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine only; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def report(address: str, screen: str) -> dict[str, Any]:
    """Let Lighthouse judge one address, as a phone or a desktop."""
    names = ("chromium", "chromium-browser", "google-chrome")
    chrome = next(filter(None, map(shutil.which, names)), "")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.json")
        command = [
            *("node", str(COMMAND), address, "--quiet", "--output=json", f"--output-path={file}"),
            f"--only-categories={','.join(CATEGORIES)}",
            "--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage",
            *(["--preset=desktop"] if screen == "desktop" else []),
        ]
        subprocess.run(command, check=True, env={**os.environ, "CHROME_PATH": chrome}, timeout=300)
        return json.loads(file.read_text("utf-8"))


def scores(report: dict[str, Any]) -> dict[str, int]:
    """Take the score of each category, 0 to 100."""
    return {name: round(100 * report["categories"][name]["score"]) for name in CATEGORIES}


def faults(report: dict[str, Any]) -> list[str]:
    """Name the audits that cost a category something."""
    counted = {
        audit["id"]
        for name in CATEGORIES
        for audit in report["categories"][name]["auditRefs"]
        if audit["weight"]
    }
    audits = (report["audits"][name] for name in sorted(counted))
    return [
        f"{audit['title']} ({audit.get('displayValue', '')})"
        for audit in audits
        if audit["score"] is not None and audit["score"] < 0.9
    ]


def main(names: list[str]) -> None:
    """Judge pages, all of them by default; print the table and store it."""
    pages = names or [
        file.relative_to(SITE).as_posix()
        for file in sorted(SITE.rglob("*.html"))
        if "_static" not in file.parts and file.name not in ("index.html", "404.html")
    ]
    rows = [
        f"| page | screen | {' | '.join(CATEGORIES)} |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    print(*rows, sep="\n")
    with serve(SITE) as address:
        for page in pages:
            for screen in ("phone", "desktop"):
                found = scores(report(f"{address}/{page}", screen))
                rows.append(f"| {page} | {screen} | {' | '.join(map(str, found.values()))} |")
                print(rows[-1], flush=True)
    (ROOT / "_build" / "lighthouse.md").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
