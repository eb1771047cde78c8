"""What was appended to a file and not flushed yet: pieces by position, and which of them a flush commits."""

from __future__ import annotations

from dataclasses import dataclass

from local.datalake.errors import Refused, bad_request


@dataclass(frozen=True)
class InMemory:
    """A small append, held by us until the flush."""

    content: bytes

    @property
    def length(self) -> int:
        return len(self.content)


@dataclass(frozen=True)
class Staged:
    """A large append, already a block in Azurite."""

    block_id: str
    length: int


Piece = InMemory | Staged


class Uncommitted:
    """The pieces of one file. Clients append in parallel and retry, so pieces come in any order and may come twice."""

    def __init__(self) -> None:
        self._pieces: dict[int, Piece] = {}

    def __bool__(self) -> bool:
        return bool(self._pieces)

    @property
    def bytes_in_memory(self) -> int:
        return sum(piece.length for piece in self._pieces.values() if isinstance(piece, InMemory))

    def add(self, position: int, piece: Piece) -> None:
        """Hold `piece` at byte `position` of the file; the same position again is a retry and replaces it."""
        if piece.length:
            self._pieces[position] = piece

    def between(self, start: int, end: int) -> list[Piece]:
        """The pieces that fill the file from byte `start` (where it ends now) to byte `end`, in order.

        Raises:
            Refused: 400 InvalidFlushPosition, as they leave a gap, overlap, or do not end at `end`.
        """
        if end < start:
            raise invalid_flush_position(f"the file has {start} bytes, the position is {end}")
        found = []
        at = start
        while at < end:
            piece = self._pieces.get(at)
            if piece is None:
                raise invalid_flush_position(f"nothing was appended at {at}, the position is {end}")
            found.append(piece)
            at += piece.length
        if at != end:
            raise invalid_flush_position(f"no append ends at {end}; the nearest ends at {at}")
        return found

    def forget_before(self, position: int | None) -> None:
        """Drop what lies below `position`, as a flush has committed it; everything without one."""
        self._pieces = {at: piece for at, piece in self._pieces.items() if position is not None and at >= position}


def invalid_flush_position(detail: str) -> Refused:
    return bad_request(
        "InvalidFlushPosition",
        "The uploaded data is not contiguous or the position query parameter value is not equal to the length of the "
        f"file after appending the uploaded data: {detail}.",
    )
