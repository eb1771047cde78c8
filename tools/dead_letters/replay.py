"""Send dead letters again, byte for byte, to the hub that they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from shared.records import REPLAY_PROPERTY, REPLAY_STAGE_PROPERTY
from tools.dead_letters.letter import DeadLetter
from tools.errors import UsageError
from tools.interruption import Interrupted
from tools.send.outgoing import Outgoing, Sender, SendFailed

_CHUNK_EVENTS = 500


def outgoing(letter: DeadLetter) -> Outgoing:
    """The event to send for `letter`: the original bytes and key, where they first entered, and who is to take them."""
    return Outgoing(letter.body, letter.key, {REPLAY_PROPERTY: letter.origin, REPLAY_STAGE_PROPERTY: letter.stage})


def latest(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    """Of what failed again after a replay, and so has several letters, the newest."""
    newest: dict[tuple[str, str], DeadLetter] = {}
    for letter in sorted(letters, key=lambda one: one.failed_at):
        newest[letter.stage, letter.origin] = letter
    return list(newest.values())


def by_hub(letters: Sequence[DeadLetter]) -> dict[str, list[DeadLetter]]:
    """The letters of each hub in the order in which they entered it, so that those of a key keep theirs.

    Raises:
        UsageError: parts of one are missing.
    """
    for letter in letters:
        if not letter.complete:
            raise UsageError(
                f"dead letter {letter.id} has {letter.found_parts} of its {letter.parts} parts: it cannot be replayed "
                "whole; leave it out by naming the others with --id"
            )
    hubs: dict[str, list[DeadLetter]] = {}
    for letter in sorted(letters, key=lambda one: (one.hub, one.partition, one.sequence, one.index)):
        hubs.setdefault(letter.hub, []).append(letter)
    return hubs


def replay(
    letters: Sequence[DeadLetter], connect: Callable[[str], Sender], on_acknowledged: Callable[[str, int], None],
    interrupted: Interrupted,
) -> None:  # fmt: skip
    """Send `letters`, hub by hub, until they end or `interrupted` says so.

    `on_acknowledged` hears of each hub's progress: its name, and how many more it has acknowledged.

    Raises:
        UsageError: parts of a letter are missing; nothing was sent.
        SendFailed: a hub refused some.
    """
    for hub, waiting in by_hub(letters).items():
        sender = connect(hub)
        try:
            for begin in range(0, len(waiting), _CHUNK_EVENTS):
                if interrupted():
                    return
                chunk = [outgoing(letter) for letter in waiting[begin : begin + _CHUNK_EVENTS]]
                try:
                    on_acknowledged(hub, len(sender.send(chunk)))
                except SendFailed as error:
                    on_acknowledged(hub, len(error.acknowledged))
                    raise
        finally:
            sender.close()
