"""What a Kafka client asked of a hub when it created it, as far as it changes what the log does.

Hubs of the hubs file have none of it: their events have the time at which they were appended, and go when the
namespace's retention says so.
"""

from __future__ import annotations

from dataclasses import dataclass

FOREVER = -1


@dataclass(frozen=True)
class TopicConfig:
    """A hub's own settings.

    Attributes:
        create_time: records keep the timestamps of their producers (`message.timestamp.type=CreateTime`; in Azure a
            hub's `messageTimestampDescription`). Events of AMQP producers have none.
        compact: `cleanup.policy=compact`: a consumer may count on the newest record of every key.
        retention: how long events are kept (milliseconds), or `FOREVER`; None leaves it to the namespace.
    """

    create_time: bool = False
    compact: bool = False
    retention: int | None = None

    def oldest_kept(self, now: int, namespaces: int) -> int | None:
        """From when on events are kept, at `now`; None when none goes for its age.

        Args:
            now: milliseconds since 1970.
            namespaces: the namespace's own retention (milliseconds).
        """
        if self.compact or self.retention == FOREVER:
            return None
        return now - (namespaces if self.retention is None else self.retention)


DEFAULT = TopicConfig()
