"""CreateTopics: hubs are those of the hubs file, unless the namespace was started to let clients create more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.config import DEFAULT_GROUP, MAX_PARTITIONS, HubConfig
from local.eventhubs.errors import LogUnavailable
from local.eventhubs.kafka.api import NO_THROTTLE, Api, Session, make, response_module
from local.eventhubs.topic_config import FOREVER, TopicConfig

# What a client that leaves it to the broker (-1) gets.
_PARTITIONS = 4
# Each costs tables in the log, and memory.
_MAX_HUBS = 200
# Letters, digits, '.', '-', '_', a letter or a digit at either end: https://learn.microsoft.com/azure/azure-resource-
# manager/management/resource-name-rules#microsofteventhub. Kafka's names are of at most 249 characters.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,247}[A-Za-z0-9])?")

_Outcome = tuple[ErrorCode, str | None]


async def _handle(request: Any, session: Session) -> Any:
    schema = response_module(request)
    results = []
    for topic in request.topics:
        code, message = _create(topic, session, request.validate_only)
        results.append(make(schema.CreatableTopicResult, name=topic.name, error_code=code, error_message=message))
    return make(schema.CreateTopicsResponse, throttle_time=NO_THROTTLE, topics=tuple(results))


def _create(topic: Any, session: Session, only_check: bool) -> _Outcome:
    name = topic.name
    if not session.may_use(name):
        return ErrorCode.topic_authorization_failed, f"the connection string does not open {name!r}"
    if session.namespace.find(name) is not None:
        return ErrorCode.topic_already_exists, f"there is a hub {name!r} (names do not depend on case)"
    if not session.settings.create_topics:
        return (
            ErrorCode.policy_violation,
            f"hubs are those of the hubs file: add {name!r} to it, or start the namespace with --kafka-create-topics",
        )
    if not _NAME.fullmatch(name):
        return ErrorCode.invalid_topic_exception, f"{name!r} is no name of a hub"
    count = len(topic.assignments) or topic.num_partitions
    if count == -1:
        count = _PARTITIONS
    if not 1 <= count <= MAX_PARTITIONS:
        return ErrorCode.invalid_partitions, f"a hub has from 1 to {MAX_PARTITIONS} partitions, not {count}"
    if len(session.namespace.hubs) >= _MAX_HUBS:
        return ErrorCode.policy_violation, f"there are {_MAX_HUBS} hubs, which is the most"
    try:
        config = topic_config({each.name: each.value for each in topic.configs})
        if not only_check:
            session.namespace.create(HubConfig(name, count, (DEFAULT_GROUP,), config))
    except ValueError as error:
        return ErrorCode.invalid_config, str(error)
    except LogUnavailable as error:
        return ErrorCode.kafka_storage_error, str(error)
    return ErrorCode.none, None


def topic_config(given: Mapping[str, str | None]) -> TopicConfig:
    """What of a topic's settings the log acts upon (https://kafka.apache.org/documentation/#topicconfigs).

    Others say how a broker stores and replicates, which is not how it is done here.

    Raises:
        ValueError: a value is none of the setting's.
    """
    timestamps = given.get("message.timestamp.type") or "LogAppendTime"
    if timestamps not in ("CreateTime", "LogAppendTime"):
        raise ValueError(f"message.timestamp.type is CreateTime or LogAppendTime, not {timestamps!r}")
    policies = {policy.strip() for policy in (given.get("cleanup.policy") or "delete").split(",")}
    if not policies <= {"compact", "delete"}:
        raise ValueError(f"cleanup.policy is compact, delete or both, not {given['cleanup.policy']!r}")
    retention = given.get("retention.ms")
    if retention is not None and not re.fullmatch(r"-1|[0-9]{1,18}", retention):
        raise ValueError(f"retention.ms is a number of milliseconds, or {FOREVER}, not {retention!r}")
    return TopicConfig(
        create_time=timestamps == "CreateTime",
        # Both together delete what is old, key by key or not.
        compact=policies == {"compact"},
        retention=int(retention) if retention else None,
    )


API = Api(19, range(2, 5), _handle)
