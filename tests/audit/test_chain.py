"""What is done to a file of events is found (issue 6, Shows 6); what a crash leaves is told apart from it."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fly_mcp_server.audit.target import ChainFile
from fly_mcp_server.audit.verify import Verdict, verify

from .kept import lines

Lines = list[bytes]


def check(data: bytes, expect: str = "") -> Verdict:
    return verify(io.BytesIO(data), expect=expect)


@pytest.fixture
def whole(tmp_path: Path) -> Lines:
    """A genesis and five events."""
    return lines(tmp_path / "audit.jsonl", 5)


def test_a_file_as_it_was_written_is_whole(whole: Lines) -> None:
    """And anybody can check it without us: SHA-256 over the line's own JSON, keys sorted, without `hash`."""
    verdict = check(b"".join(whole))
    assert (verdict.events, verdict.problems) == (6, [])
    before = "0" * 64
    for number, line in enumerate(whole):
        event = json.loads(line)
        digest = event.pop("hash")
        text = json.dumps(event, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == digest
        assert (event["seq"], event["prev"]) == (number, before)
        before = digest
    assert verdict.last == before


def test_every_single_flipped_bit_is_found(tmp_path: Path) -> None:
    """Issue 6, Shows 6: the last line break too, since no killed process leaves another byte in its place."""
    data = b"".join(lines(tmp_path / "audit.jsonl", 2))
    unseen = [
        (place, bit)
        for place in range(len(data))
        for bit in range(8)
        if not check(_flipped(data, place, bit)).problems
    ]
    assert unseen == []


TWICE = b'"caller":"x","caller"'


def _renamed(line: bytes) -> bytes:
    """Another caller did it."""
    assert b"night-watch" in line
    return line.replace(b"night-watch", b"early-watch")


CHANGES: dict[str, Callable[[Lines], Lines]] = {
    "a line is taken out": lambda all_: [*all_[:2], *all_[3:]],
    "the first line is taken out": lambda all_: all_[1:],
    "the first event is taken out": lambda all_: [all_[0], *all_[2:]],
    "two lines are swapped": lambda all_: [*all_[:2], all_[3], all_[2], *all_[4:]],
    "a line stands twice": lambda all_: [*all_[:3], all_[2], *all_[3:]],
    "a line is put in": lambda all_: [*all_[:3], b"{}\n", *all_[3:]],
    "half a line is put in": lambda all_: [*all_[:3], b'{"acc\n', *all_[3:]],
    "an empty line is put in": lambda all_: [*all_[:3], b"\n", *all_[3:]],
    "it begins anew": lambda all_: [*all_, all_[0]],
    "something else stands at the end": lambda all_: [*all_, b"garbage"],
    "the last line is changed and has no break": lambda all_: [*all_[:-1], _renamed(all_[-1])[:-1]],
    "the last line is changed and a byte follows": lambda all_: [*all_[:-1], _renamed(all_[-1])[:-1], b"x"],
    "the last line is changed and zeros follow": lambda all_: [*all_[:-1], _renamed(all_[-1])[:-1], bytes(9)],
    "blanks are put in": lambda all_: [one.replace(b":", b": ", 1) for one in all_],
    "a key stands twice": lambda all_: [*all_[:2], all_[2].replace(b'"caller"', TWICE), *all_[3:]],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_done_to_lines_is_found(whole: Lines, change: Callable[[Lines], Lines]) -> None:
    """Issue 6."""
    assert check(b"".join(change(whole))).problems


def test_another_chain_cannot_go_on_from_this_one(whole: Lines, tmp_path: Path) -> None:
    """Each line names the one before it by its hash."""
    other = lines(tmp_path / "other.jsonl", 7)
    changed = json.loads(whole[3])
    changed["says"] = "Nothing."
    forged = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert check(b"".join([*whole[:3], forged, *whole[4:]])).problems
    assert check(b"".join([*whole, *other[6:]])).problems == []  # the same events: the very same chain


@pytest.mark.parametrize("kept", [1, 3, 5])
def test_a_cut_tail_is_found_by_a_hash_that_was_kept(whole: Lines, kept: int) -> None:
    """Nothing in a file says how long it was."""
    digest = json.loads(whole[5])["hash"]
    cut = b"".join(whole[:kept])
    assert check(cut).problems == []
    assert check(cut, digest).expected is None
    assert check(b"".join(whole), json.loads(whole[kept])["hash"]).expected == kept


def test_every_place_where_a_process_can_be_killed_leaves_a_trail_that_goes_on(tmp_path: Path) -> None:
    """The half line is no event and no damage; the next event says that it is there, so no other can stand there."""
    written = lines(tmp_path / "whole.jsonl", 2)
    for cut in range(1, len(written[2])):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(b"".join(written[:2]) + written[2][:cut])
        path.chmod(0o600)
        before = check(path.read_bytes())
        assert before.problems == [], cut
        assert before.half_at_end == (cut if cut < len(written[2]) - 1 else 0)

        ChainFile(path, dict).append({"event": "call"}, durable=False)
        ChainFile(path, dict).append({"event": "call"}, durable=False)

        after = check(path.read_bytes())
        assert after.problems == [], cut
        whole = cut == len(written[2]) - 1  # all but its line break: that is an event
        assert (after.events, after.halves) == ((5, 0) if whole else (4, 1))
        half = path.read_bytes().splitlines(keepends=True)[2]
        if not whole:
            assert check(path.read_bytes().replace(half, half[:-1] + b" \n", 1)).problems
            assert check(path.read_bytes().replace(half, b"", 1)).problems


def test_a_last_event_with_a_stray_byte_stays_damage_when_others_follow(whole: Lines, tmp_path: Path) -> None:
    """Issue 6. A server that goes on after it takes it for a half line and says so; that must not excuse it."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"".join(whole)[:-1] + b"\x0b")
    path.chmod(0o600)
    ChainFile(path, dict).append({"event": "call"}, durable=False)
    verdict = check(path.read_bytes())
    assert any("line 6 is no audit event, and no half" in one for one in verdict.problems)


def test_zeros_that_a_cut_of_power_leaves_are_no_damage(whole: Lines) -> None:
    """A file system may have made the file longer and not have written what belongs there."""
    data = b"".join(whole)
    for cut in (len(data) - 1, len(data) - 20):
        assert check(data[:cut] + bytes(40)).problems == []


def test_half_a_first_line_is_told_of_too(tmp_path: Path) -> None:
    """A process that was killed with its very first event."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"chain":"ab')
    path.chmod(0o600)
    ChainFile(path, lambda: {"event": "genesis"}).append({"event": "call"}, durable=True)
    verdict = check(path.read_bytes())
    assert (verdict.problems, verdict.halves, verdict.events) == ([], 1, 2)


def test_what_was_begun_and_never_ended_is_named(tmp_path: Path) -> None:
    """After a crash somebody has to look."""
    path = tmp_path / "audit.jsonl"
    file = ChainFile(path, lambda: {"event": "genesis"})
    for call, kind in (("a", "begun"), ("b", "begun"), ("a", "call")):
        file.append({"event": kind, "call": call, "says": f"{kind} {call}"}, durable=True)
    assert check(path.read_bytes()).unended == {"b": "begun b"}


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """0600 from the first moment; one that others may write is refused; and what is no plain file too."""
    path = tmp_path / "audit.jsonl"
    file = ChainFile(path, dict)
    file.append({"event": "call"}, durable=False)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o620)
    with pytest.raises(OSError, match="others may write it"):
        file.append({"event": "call"}, durable=False)
    with pytest.raises(OSError, match="no plain file"):
        ChainFile(Path(os.devnull), dict).check()


def test_a_file_that_is_moved_away_begins_anew(tmp_path: Path) -> None:
    """How to rotate: move it. What is moved is whole, and what begins is."""
    path, old = tmp_path / "audit.jsonl", tmp_path / "old.jsonl"
    file = ChainFile(path, lambda: {"event": "genesis"})
    file.append({"event": "call"}, durable=False)
    path.rename(old)
    file.append({"event": "call"}, durable=False)
    for one in (path, old):
        verdict = check(one.read_bytes())
        assert (verdict.problems, verdict.events) == ([], 2)


def test_somebody_elses_file_is_left_alone(tmp_path: Path) -> None:
    """A slip in the setting must not append to whatever it names."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"shopping\nmilk\n")
    path.chmod(0o600)
    with pytest.raises(OSError, match="no audit trail"):
        ChainFile(path, dict).check()
    assert path.read_bytes() == b"shopping\nmilk\n"


def _flipped(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]
