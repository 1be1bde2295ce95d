"""Do primary and replica come up as promised, and go without a trace?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from devinprod_proxy.demo.account import Account, postgres_account
from devinprod_proxy.demo.binaries import Binaries, find_postgres, reachable
from devinprod_proxy.demo.cluster import Cluster
from devinprod_proxy.demo.process import ServerFailed
from devinprod_proxy.demo.shop import LOGINS

AS_ROOT = os.geteuid() == 0

SCHEMA = """
CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text);
CREATE TABLE small (id serial PRIMARY KEY);
INSERT INTO notes (body) SELECT 'note ' || n FROM generate_series(1, 10) AS n;
"""

LAUNCHER = """
import sys
from devinprod_proxy.demo.cluster import Cluster
cluster = Cluster("CREATE TABLE t (id int PRIMARY KEY)")
cluster.start()
print(cluster.folder, *cluster.pids(), flush=True)
sys.stdin.read()
cluster.stop()
"""


_pause = threading.Event()


def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        _pause.wait(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def mentioning(text: str) -> list[str]:
    """The command lines of all processes that contain *text*."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


@pytest.fixture(scope="module")
def small() -> Iterator[Cluster]:
    with Cluster(SCHEMA, logins=LOGINS) as cluster:
        yield cluster


def one(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_the_replica_follows_and_takes_writes(small: Cluster) -> None:
    with psycopg.connect(small.primary_dsn) as primary:
        primary.execute("INSERT INTO notes (body) VALUES ('from production')")
    small.wait_until_caught_up()
    assert one(small.replica_dsn, "SELECT body FROM notes ORDER BY id DESC LIMIT 1") == "from production"
    with psycopg.connect(small.replica_dsn) as replica:
        replica.execute("INSERT INTO notes (body) VALUES ('here only')")
        replica.rollback()


def test_sequences_of_the_replica_stand_far_above(small: Cluster) -> None:
    assert int(str(one(small.replica_dsn, "SELECT nextval('notes_id_seq')"))) > 10**9
    assert 2**30 <= int(str(one(small.replica_dsn, "SELECT nextval('small_id_seq')"))) < 2**31
    assert int(str(one(small.primary_dsn, "SELECT nextval('notes_id_seq')"))) < 100


def test_nobody_gets_in_without_a_password(small: Cluster) -> None:
    for user in ("postgres", "devinprod"):
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(small.dsn("replica", user), password="", passfile=os.devnull)
    assert one(small.dsn("replica", "devinprod"), "SELECT current_user") == "devinprod"
    assert small.folder.stat().st_mode & 0o077 == 0


def test_no_password_is_in_a_command_line(small: Cluster) -> None:
    password = psycopg.conninfo.conninfo_to_dict(small.primary_dsn)["password"]
    assert mentioning(str(small.folder))
    assert mentioning(str(password)) == []


def test_stopping_leaves_nothing() -> None:
    cluster = Cluster("CREATE TABLE t (id int PRIMARY KEY)")
    cluster.start()
    folder, pids = cluster.folder, cluster.pids()
    client = psycopg.connect(cluster.replica_dsn)
    client.execute("INSERT INTO t VALUES (1)")  # an open transaction keeps nothing up
    cluster.stop()
    cluster.stop()
    client.close()
    assert len(pids) == 2
    assert not any(alive(pid) for pid in pids)
    assert mentioning(str(folder)) == []
    assert not folder.exists()


def test_a_schema_that_fails_leaves_nothing_and_says_why() -> None:
    cluster = Cluster("CREATE TABLE t (id nonsense)")
    with pytest.raises(psycopg.errors.UndefinedObject, match="nonsense"):
        cluster.start()
    assert cluster.pids() == []
    with pytest.raises(RuntimeError):
        _ = cluster.folder


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(ServerFailed, match="unrecognized configuration parameter"):
        Cluster(with_replica=False, settings={"no_such_setting": "1"}).start()


def launcher(python: str = sys.executable, account: Account | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [python, "-c", LAUNCHER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        **(account.popen() if account is not None else {}),
    )


def python_for(account: Account) -> str | None:
    """A Python of our version that *account* can run; ours may be in a home folder of mode 0700."""
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/python{ours}", f"/usr/local/bin/python{ours}"):
        try:
            subprocess.run([python, "-c", ""], check=True, cwd="/", **account.popen())
        except (OSError, subprocess.SubprocessError):
            continue
        return python
    return None


def test_killing_the_launcher_ends_the_servers_and_removes_the_folder() -> None:
    process = launcher()
    with process:
        assert process.stdout is not None
        folder, *pids = process.stdout.readline().split()
        assert len(pids) == 2
        process.send_signal(signal.SIGKILL)
    until(lambda: not any(alive(int(pid)) for pid in pids), "servers end")
    until(lambda: not Path(folder).exists(), "the folder is removed")
    until(lambda: mentioning(folder) == [], "nothing mentions the folder")


@pytest.mark.skipif(not AS_ROOT, reason="every other test here runs as an ordinary user already")
def test_an_ordinary_user_can_run_it_too() -> None:
    account = postgres_account()
    assert account is not None
    python = python_for(account)
    if python is None:
        pytest.skip(f"user number {account.uid} can run no Python of this version (ours: {sys.executable})")
    with launcher(python, account) as process:
        output, _ = process.communicate("", timeout=60)
    folder, *pids = output.split()
    assert len(pids) == 2
    assert process.returncode == 0
    assert not Path(folder).exists()


@pytest.mark.skipif(not AS_ROOT, reason="hides a folder from another user")
def test_programs_that_nobody_can_reach_are_copied(tmp_path: Path) -> None:
    account = postgres_account()
    assert account is not None
    home = tmp_path / "home"
    found = find_postgres()
    install, package = found.folder.parent, found.folder.parent.parent
    hidden = home / "site" / package.name
    hidden.mkdir(parents=True)
    for source, target in (
        (install, hidden / install.name),
        (package.with_name(f"{package.name}.libs"), hidden.with_name(f"{package.name}.libs")),
    ):
        subprocess.run(["cp", "-al", source, target], check=True)
    home.chmod(0o700)
    unreachable = Binaries(hidden / install.name / "bin", found.version)
    reachable_folder = Path("/tmp") / f"devinprod-test-{os.getpid()}"
    reachable_folder.mkdir(mode=0o755)
    try:
        copied = reachable(unreachable, account, reachable_folder)
        assert reachable_folder in copied.folder.parents
        with Cluster(SCHEMA, binaries=unreachable) as cluster:
            assert one(cluster.replica_dsn, "SELECT count(*) FROM notes") == 10
            assert any(str(cluster.folder / "programs") in line for line in mentioning(str(cluster.folder)))
    finally:
        subprocess.run(["rm", "-rf", reachable_folder], check=True)
