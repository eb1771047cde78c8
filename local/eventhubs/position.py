"""Where a consumer starts: the selector in its link's filter, as a sequence number of the partition."""

from __future__ import annotations

import re

from local.eventhubs.codec import Described
from local.eventhubs.errors import ARGUMENT_ERROR, LinkFault, LogUnavailable
from local.eventhubs.log import Log
from local.eventhubs.partition import Partition

SELECTOR_FILTER = "apache.org:selector-filter:string"
_SELECTOR = re.compile(
    r"\s*amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time(?:-utc)?)\s*(>=|>)\s*'([^']*)'\s*"
)
# The service numbers offsets and sequence numbers with 63 bits.
_LARGEST = 2**63 - 1


def start(log: Log, partition: Partition, filters: object) -> int:
    """The sequence number of the first event to deliver, from a source's filter map; the oldest without a filter.

    Raises:
        LinkFault: the selector is not one, or names a place past the end of the partition; or the log cannot be read.
    """
    selector = _selector(filters)
    if selector is None:
        return partition.first
    match = _SELECTOR.fullmatch(selector)
    if not match:
        raise LinkFault(f"The selector '{selector}' is not understood.", ARGUMENT_ERROR)
    kind, operator, value = match.groups()
    inclusive = operator == ">="
    if kind == "offset" and value == "@latest":
        return partition.next
    number = _number(kind, value)
    if kind.startswith("enqueued-time"):
        try:
            return log.first_after(partition, number, inclusive)
        except LogUnavailable as error:
            raise LinkFault(str(error)) from error
    last = partition.next - 1
    if number > last:
        what = "offset" if kind == "offset" else "sequence number"
        raise LinkFault(
            f"The supplied {what} '{value}' is invalid. The last {what} in the system is '{last}' ({partition}). If "
            "the local log was deleted, delete the checkpoints too.",
            ARGUMENT_ERROR,
        )
    return max(number if inclusive else number + 1, 0)


def _selector(filters: object) -> str | None:
    if not isinstance(filters, dict):
        return None
    value = filters.get(SELECTOR_FILTER)
    if isinstance(value, Described):
        value = value.value
    return value if isinstance(value, str) else None


def _number(kind: str, value: str) -> int:
    if re.fullmatch(r"-?[0-9]{1,19}", value) and abs(int(value)) <= _LARGEST:
        return int(value)
    raise LinkFault(f"The supplied {kind} '{value}' is invalid: it is not a number.", ARGUMENT_ERROR)
