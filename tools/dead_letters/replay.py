"""Send dead letters again, byte for byte, to the hub that they came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tools.dead_letters.letter import DeadLetter
from tools.errors import UsageError
from tools.send.outgoing import Outgoing, Sender

# The split stage derives a replayed event's id from it, as it did the first time.
ORIGIN_PROPERTY = "headrace-origin"
_CHUNK_EVENTS = 500


def outgoing(letter: DeadLetter) -> Outgoing:
    """The event to send for `letter`: the original bytes and key, and where they first entered."""
    return Outgoing(letter.body, letter.key, {ORIGIN_PROPERTY: letter.origin})


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
    letters: Sequence[DeadLetter], connect: Callable[[str], Sender], on_acknowledged: Callable[[str, int], None]
) -> None:
    """Send `letters`, hub by hub; `on_acknowledged` hears of each hub's progress as it is acknowledged.

    Raises:
        UsageError: parts of a letter are missing; nothing was sent.
        SendFailed: a hub refused some.
    """
    for hub, waiting in by_hub(letters).items():
        sender = connect(hub)
        try:
            for begin in range(0, len(waiting), _CHUNK_EVENTS):
                chunk = [outgoing(letter) for letter in waiting[begin : begin + _CHUNK_EVENTS]]
                on_acknowledged(hub, len(sender.send(chunk)))
        finally:
            sender.close()
