"""The APIs of consumer groups."""

from __future__ import annotations

from local.eventhubs.kafka.api import Api
from local.eventhubs.kafka.groups import administration, membership, offsets

APIS: list[Api] = [*membership.APIS, *offsets.APIS, *administration.APIS]
