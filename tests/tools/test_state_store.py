"""Where state lies: private, whole after a kill, and never somebody else's (issue 4, section 2)."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fly_mcp_tools.errors import NotConfigured
from fly_mcp_tools.state.store import Store, default_directory

FILE = "state.sqlite3"
ROW = "INSERT INTO undo VALUES (?, 'me', 'app', 0, ?)"
LONG = "canary-c0nf1g-" * 400

posix = pytest.mark.skipif(os.name == "nt", reason="modes are of POSIX")


def modes(directory: Path) -> dict[str, int]:
    """The modes of the directory and of all that is in it."""
    found = [directory, *directory.iterdir()]
    return {one.name: stat.S_IMODE(one.lstat().st_mode) for one in found}


def put(store: Store, name: str, config: str = "{}") -> None:
    """Write a row."""
    with store.transaction() as db:
        db.execute(ROW, (name, config))


def names(store: Store) -> list[str]:
    """What was written."""
    with store.transaction() as db:
        return [row[0] for row in db.execute("SELECT reference FROM undo ORDER BY reference")]


def whole(directory: Path) -> bytes:
    """Every byte of every file."""
    return b"".join(path.read_bytes() for path in directory.iterdir())


@pytest.fixture
def open_stores() -> Generator[list[Store]]:
    """Stores to be closed at the end."""
    stores: list[Store] = []
    yield stores
    for store in stores:
        store.close()


@contextmanager
def umask(mask: int) -> Generator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def as_anybody() -> Generator[None]:
    """As a user whom the file system can refuse something: root is refused nothing."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


class TestModes:
    """0700 and 0600."""

    pytestmark = posix

    @pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
    def test_nobody_else_can_read_anything(self, tmp_path: Path, open_stores: list[Store], mask: int) -> None:
        """The issue: whatever the umask; the log beside the file and its index too."""
        directory = tmp_path / "a" / "state"
        store = Store(directory)
        open_stores.append(store)
        with umask(mask):
            put(store, "x")
            store.enter("me")
        found = modes(directory)
        assert found.pop("state") == 0o700
        assert found.keys() == {FILE, f"{FILE}-wal", f"{FILE}-shm", "holder-me"}
        assert set(found.values()) == {0o600}

    @pytest.mark.parametrize("mode", [0o755, 0o777, 0o750, 0o701])
    @pytest.mark.parametrize("used", [False, True], ids=["empty", "used"])
    def test_a_directory_of_its_own_that_others_can_enter_is_tightened(
        self, tmp_path: Path, open_stores: list[Store], mode: int, used: bool
    ) -> None:
        """Ours: nothing but our files is in it, so nobody else relies on its mode."""
        directory = tmp_path / "state"
        if used:
            earlier = Store(directory)
            put(earlier, "x")
            earlier.close()
            (directory / FILE).chmod(0o666)
        else:
            directory.mkdir()
        directory.chmod(mode)
        open_stores.append(store := Store(directory))
        put(store, "y")
        found = modes(directory)
        assert found.pop("state") == 0o700
        assert set(found.values()) == {0o600}
        assert names(store) == (["x", "y"] if used else ["y"])

    def test_a_directory_that_others_share_is_refused_and_left_as_it_is(self, tmp_path: Path) -> None:
        """Ours: FLY_MCP_STATE=/tmp as root must not lock everybody out of /tmp."""
        (tmp_path / "somebodys").touch()
        tmp_path.chmod(0o1777)
        with pytest.raises(NotConfigured) as caught:
            Store(tmp_path).open()
        assert "others can enter it" in caught.value.message
        assert "a directory of its own" in caught.value.hint
        assert modes(tmp_path)[tmp_path.name] == 0o1777
        assert [one.name for one in tmp_path.iterdir()] == ["somebodys"]

    def test_a_private_directory_may_hold_more(self, tmp_path: Path, open_stores: list[Store]) -> None:
        """Ours: whoever can enter it is the same user."""
        (tmp_path / "mine").touch()
        tmp_path.chmod(0o700)
        open_stores.append(store := Store(tmp_path))
        put(store, "x")
        assert names(store) == ["x"]


def _file(path: Path) -> None:
    path.write_text("a file")


def _garbage(path: Path) -> None:
    path.mkdir(mode=0o700)
    (path / FILE).write_bytes(b"no database at all. " * 400)


def _foreign(path: Path) -> None:
    path.mkdir(mode=0o700)
    db = sqlite3.connect(path / FILE)
    db.execute("CREATE TABLE intents (mine TEXT)")
    db.commit()
    db.close()


def _later(path: Path) -> None:
    store = Store(path)
    store.open()
    store.close()
    db = sqlite3.connect(path / FILE)
    db.execute("PRAGMA user_version = 2")
    db.close()


def _link(path: Path) -> None:
    path.mkdir(mode=0o700)
    (path.parent / "elsewhere").touch(0o644)
    (path / FILE).symlink_to(path.parent / "elsewhere")


def _pipe(path: Path) -> None:
    path.mkdir(mode=0o700)
    os.mkfifo(path / FILE)


def _folder(path: Path) -> None:
    (path / FILE).mkdir(parents=True)
    path.chmod(0o700)


#: What makes a directory unusable, and what is said of it.
UNUSABLE: list[tuple[Callable[[Path], None], str, str]] = [
    (_file, "File exists", "set FLY_MCP_STATE to a directory"),
    (_garbage, "not a database", "move it away"),
    (_foreign, "is not fly-mcp's", "a directory of its own"),
    (_later, "is of a later fly-mcp", "Use that one"),
    (_link, "is no plain file", "Move that away"),
    (_pipe, "is no plain file", "Move that away"),
    (_folder, "is no plain file", "Move that away"),
]
unusable = pytest.mark.parametrize(
    ("spoil", "why", "hint"), UNUSABLE, ids=[one[0].__name__.strip("_") for one in UNUSABLE]
)


class TestUnusable:
    """What cannot be used is told in words, before anything depends on it."""

    pytestmark = posix

    @unusable
    def test_it_is_refused_with_its_name_and_a_way_out(
        self, tmp_path: Path, spoil: Callable[[Path], None], why: str, hint: str
    ) -> None:
        """Ours: and what is there stays as it is, to the byte."""
        directory = tmp_path / "state"
        spoil(directory)
        plain = [path for path in tmp_path.rglob("*") if path.is_file()]
        before = {path: (path.read_bytes(), path.lstat().st_mode) for path in plain if path.name != FILE}
        content = [path.read_bytes() for path in plain]
        for _ in range(2):
            with pytest.raises(NotConfigured) as caught:
                Store(directory).open()
            assert str(directory) in caught.value.message
            assert why in caught.value.message
            assert hint in caught.value.hint
        assert [path.read_bytes() for path in plain] == content
        assert {path: (path.read_bytes(), path.lstat().st_mode) for path in before} == before

    @pytest.mark.parametrize(
        ("spoil", "why"), [one[:2] for one in UNUSABLE], ids=[one[0].__name__.strip("_") for one in UNUSABLE]
    )
    def test_memory_takes_the_place_of_a_default_with_one_warning(
        self,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
        spoil: Callable[[Path], None],
        why: str,
    ) -> None:
        """Ours: nobody asked for the default directory, so the server starts all the same."""
        spoil(tmp_path / "state")
        store = Store(tmp_path / "state", or_memory=True)
        for name in ("x", "y"):
            put(store, name)
        assert names(store) == ["x", "y"]
        assert not store.lasting
        (record,) = caplog.records
        assert (record.levelno, why in record.getMessage()) == (logging.WARNING, True)
        store.close()

    def test_a_place_that_may_not_be_written_is_refused(self, tmp_path: Path) -> None:
        """Ours: a read-only file system, or somebody else's."""
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
        with as_anybody(), pytest.raises(NotConfigured, match="Permission denied"):
            Store(locked / "state").open()
        assert not list(locked.iterdir())

    def test_a_place_that_cannot_be_made_is_refused(self) -> None:
        """Ours: below a file; in a file system that takes none."""
        for place in ("/dev/null/state", "/proc/fly-mcp"):
            with pytest.raises(NotConfigured, match=place):
                Store(Path(place)).open()

    def test_a_file_damaged_at_work_fails_each_use_and_no_more(self, tmp_path: Path) -> None:
        """Ours: what is unreadable is told; a store on another directory is not touched by it."""
        earlier = Store(tmp_path)
        for number in range(50):
            put(earlier, f"x{number}", LONG)
        earlier.close()
        size = (tmp_path / FILE).stat().st_size
        with (tmp_path / FILE).open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (size - 8192))
        store = Store(tmp_path)
        with pytest.raises(NotConfigured, match="malformed") as caught:
            names(store)
        assert "move it away" in caught.value.hint
        store.close()

    def test_a_full_disk_is_told_and_leaves_whole_rows(self, tmp_path: Path) -> None:
        """Ours: SQLite's own limit of pages stands in for a disk; what was written before is there."""
        store = Store(tmp_path)
        put(store, "before")
        with store.transaction() as db:
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            db.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(NotConfigured, match="full") as caught:
            put(store, "too large", LONG * 20)
        assert "Free some space" in caught.value.hint
        assert names(store) == ["before"]
        with store.transaction() as db:
            db.execute("PRAGMA max_page_count = 1000000")
        put(store, "later")
        assert names(store) == ["before", "later"]
        store.close()


class TestContent:
    """What is dropped is gone."""

    def test_what_is_dropped_is_overwritten(self, tmp_path: Path) -> None:
        """Ours: configs may hold secrets, and are kept for thirty days; a deleted row alone stays readable."""
        store = Store(tmp_path)
        put(store, "secret", LONG)
        put(store, "other")
        assert b"canary" in whole(tmp_path)
        with store.transaction() as db:
            db.execute("DELETE FROM undo WHERE reference = 'secret'")
        store.close()
        assert b"canary" not in whole(tmp_path)
        assert names(Store(tmp_path)) == ["other"]

    def test_an_exception_undoes_all_of_a_transaction(self, tmp_path: Path) -> None:
        """Ours: also one that is not the database's."""
        store = Store(tmp_path)

        def half() -> None:
            with store.transaction() as db:
                db.execute(ROW, ("half", "{}"))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            half()
        assert names(store) == []
        store.close()

    def test_it_can_be_closed_twice_and_opened_again(self, tmp_path: Path) -> None:
        """Ours: shutdown paths meet."""
        store = Store(tmp_path)
        store.close()
        put(store, "x")
        key = store.key
        store.close()
        store.close()
        assert names(store) == ["x"]
        store.close()
        assert Store(tmp_path).key == key

    def test_two_stores_on_one_directory_see_the_same(self, tmp_path: Path, open_stores: list[Store]) -> None:
        """Ours: closing one leaves the other its locks."""
        one, two, three = stores = [Store(tmp_path) for _ in range(3)]
        open_stores.extend(stores)
        put(one, "x")
        put(two, "y")
        assert one.key == two.key
        one.close()
        put(two, "z")
        assert names(three) == ["x", "y", "z"]


#: A process on a directory: it opens the store, does something, says so, and stays until it is killed.
CHILD = """
import sys
from pathlib import Path
from fly_mcp_tools.state.store import Store
store = Store(Path(sys.argv[1]))
{does}
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def process(directory: Path, does: str) -> Generator[subprocess.Popen[str]]:
    """Such a process."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD.format(does=does), str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as one:
        try:
            yield one
        finally:
            one.kill()


def ready(one: subprocess.Popen[str]) -> None:
    """Wait until it says so."""
    assert one.stdout is not None
    assert one.stdout.readline() == "ready\n"


def killed(one: subprocess.Popen[str]) -> None:
    """By kill -9."""
    one.kill()
    assert one.wait() in (-signal.SIGKILL, 1)


class TestProcesses:
    """Several on one directory."""

    def test_many_may_make_a_new_one_at_once(self, tmp_path: Path) -> None:
        """Ours: an agent's clients start together; SQLite does not wait by itself while its log is switched on."""
        for attempt in range(2):
            directory = tmp_path / str(attempt)
            does = (
                "print('there', flush=True); sys.stdin.readline(); store.open(); key = store.key; "
                "store.enter('same'); print(key.hex(), flush=True)"
            )
            with ExitStack() as stack:
                ones = [stack.enter_context(process(directory, does)) for _ in range(4)]
                for one in ones:
                    assert one.stdout is not None
                    assert one.stdout.readline() == "there\n"
                for one in ones:
                    assert one.stdin is not None
                    one.stdin.write("go\n")
                    one.stdin.flush()
                keys = {one.stdout.readline() for one in ones if one.stdout}
                for one in ones:
                    ready(one)
                assert len(keys) == 1
                assert keys != {""}
                assert len(list(directory.glob("holder-*"))) == 4

    def test_a_kill_in_the_middle_leaves_nothing_half_and_nothing_locked(self, tmp_path: Path) -> None:
        """The issue, 7: kill -9."""
        does = "t = store.transaction(); t.__enter__().execute(" + repr(ROW) + ", ('half', '{}'))"
        with process(tmp_path, does) as one:
            ready(one)
            killed(one)
        store = Store(tmp_path)
        assert names(store) == []
        put(store, "x")
        store.close()

    def test_who_is_there_is_told_until_the_process_ends_however_it_ends(self, tmp_path: Path) -> None:
        """Ours: by a lock that the system lets go of; a process's number is used again, and 1 in any container."""
        store = Store(tmp_path)
        with process(tmp_path, "store.enter('other')") as one:
            ready(one)
            store.enter("me")
            assert store.is_present("other")
            assert store.is_present("me")
            killed(one)
            assert not store.is_present("other")
            assert (tmp_path / "holder-other").exists()
        # What it left behind is removed by the next that comes.
        assert Store(tmp_path).enter("other") == "other"
        assert not store.is_present("nobody")
        assert not store.is_present("")
        store.close()
        assert not list(tmp_path.glob("holder-*"))

    def test_one_name_twice_is_two(self, tmp_path: Path, open_stores: list[Store]) -> None:
        """Ours: two with the same chance, as in tests."""
        stores = [Store(tmp_path) for _ in range(3)]
        open_stores.extend(stores)
        entered = [store.enter("me") for store in stores]
        assert len(set(entered)) == 3
        for store in stores:
            assert all(map(store.is_present, entered))
        stores[1].close()
        assert [stores[0].is_present(name) for name in entered] == [True, False, True]


class TestDefault:
    """Where it is when nobody says."""

    pytestmark = posix

    def test_it_is_the_users_state_directory(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """XDG's rules: a relative path is to be ignored."""
        monkeypatch.setenv("HOME", str(tmp_path))
        home = tmp_path / ".local/state/fly-mcp"
        assert default_directory({"XDG_STATE_HOME": "/x/state"}) == Path("/x/state/fly-mcp")
        for given in ({}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative"}):
            assert default_directory(given) == home

    def test_a_user_without_a_home_has_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ours: a container run under a number that no file of users knows."""

        def homeless() -> Path:
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", homeless)
        directory = default_directory({})
        assert directory is None
        store = Store(directory, or_memory=True)
        put(store, "x")
        assert names(store) == ["x"]
        assert not store.lasting
        store.close()
