"""DescribeConfigs: what clients ask of a topic or broker before they use it, as this namespace has it."""

from __future__ import annotations

from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.api import NO_THROTTLE, NODE_ID, Api, Session, make, response_module
from local.eventhubs.kafka.framing import MAX_REQUEST_BYTES
from local.eventhubs.kafka.settings import Settings
from local.eventhubs.topic_config import TopicConfig

# Numbers of the protocol: org.apache.kafka.common.config.ConfigResource.Type, and of DescribeConfigsResponse
# ConfigSource (static broker config, default config) and ConfigType.
_TOPIC, _BROKER = 2, 4
_STATIC, _DEFAULT = 4, 5
_STRING, _INT, _LONG, _LIST = 2, 3, 5, 7


def _topic(settings: Settings, topic: TopicConfig) -> dict[str, tuple[str, int]]:
    retention = settings.retention_milliseconds if topic.retention is None else topic.retention
    return {
        "cleanup.policy": ("compact" if topic.compact else "delete", _LIST),
        "compression.type": ("producer", _STRING),
        "max.message.bytes": (str(MAX_REQUEST_BYTES), _INT),
        "message.timestamp.type": ("CreateTime" if topic.create_time else "LogAppendTime", _STRING),
        "min.insync.replicas": ("1", _INT),
        "retention.bytes": ("-1", _LONG),
        "retention.ms": (str(retention), _LONG),
    }


def _broker(settings: Settings) -> dict[str, tuple[str, int]]:
    return {
        "connections.max.idle.ms": (str(int(settings.idle_seconds * 1_000)), _LONG),
        "log.retention.ms": (str(settings.retention_milliseconds), _LONG),
        "message.max.bytes": (str(MAX_REQUEST_BYTES), _INT),
    }


async def _handle(request: Any, session: Session) -> Any:
    schema = response_module(request)
    results = []
    for resource in request.resources:
        code, found = _find(resource.resource_type, resource.resource_name, session)
        wanted = resource.configuration_keys
        results.append(
            make(
                schema.DescribeConfigsResult,
                error_code=code,
                error_message=None,
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
                configs=tuple(
                    make(
                        schema.DescribeConfigsResourceResult,
                        name=name,
                        value=value,
                        read_only=True,
                        config_source=_DEFAULT if resource.resource_type == _TOPIC else _STATIC,
                        is_sensitive=False,
                        synonyms=(),
                        config_type=kind,
                        documentation=None,
                    )
                    for name, (value, kind) in found.items()
                    if wanted is None or name in wanted
                ),
            )
        )
    return make(schema.DescribeConfigsResponse, throttle_time=NO_THROTTLE, results=tuple(results))


def _find(kind: int, name: str, session: Session) -> tuple[ErrorCode, dict[str, tuple[str, int]]]:
    if kind == _TOPIC:
        hub = session.hub(name)
        if isinstance(hub, ErrorCode):
            return hub, {}
        return ErrorCode.none, _topic(session.settings, hub.partitions[0].topic)
    if kind == _BROKER and name in ("", str(NODE_ID)):
        return ErrorCode.none, _broker(session.settings)
    return ErrorCode.invalid_request, {}


API = Api(32, range(1, 4), _handle)
