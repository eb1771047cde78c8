"""An Event Hubs namespace on a laptop: the hubs of infra/eventhubs.json, a durable log, AMQP 1.0 for the SDKs,
Kafka for its clients.

`python -m local.eventhubs --port 5672 --kafka-port 9092 --data-dir DIR --config infra/eventhubs.json` runs it.
"""

from __future__ import annotations

# Those of Microsoft's emulator, so that its connection string works here.
DEFAULT_KEY_NAME = "RootManageSharedAccessKey"
DEFAULT_KEY = "SAS_KEY_VALUE"


def connection_string(port: int, key: str = DEFAULT_KEY) -> str:
    """What an SDK needs to connect; `UseDevelopmentEmulator` makes it use plain TCP and honour the port."""
    return (
        f"Endpoint=sb://localhost:{port};SharedAccessKeyName={DEFAULT_KEY_NAME};SharedAccessKey={key};"
        "UseDevelopmentEmulator=true;"
    )


def kafka_settings(kafka_port: int, key: str = DEFAULT_KEY) -> dict[str, str]:
    """What a Kafka client built on librdkafka needs to connect."""
    return {
        "bootstrap.servers": f"localhost:{kafka_port}",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "$ConnectionString",
        # The service takes the connection string as it is; the address in it does not matter.
        "sasl.password": f"Endpoint=sb://localhost;SharedAccessKeyName={DEFAULT_KEY_NAME};SharedAccessKey={key}",
    }
