"""An application as users of quixstreams write it: reads one hub, transforms, writes to another. Run by its own Python.

    application.py SETTINGS COUNT [STATE_DIR]

SETTINGS are librdkafka's, as JSON. It ends when it has processed COUNT messages. With STATE_DIR it also counts what it
saw of each key, in a state that the namespace keeps for it in a changelog topic.
"""

import json
import sys

from quixstreams import Application, State
from quixstreams.kafka.configuration import ConnectionConfig

SOURCE, TARGET, GROUP = "readings", "other", "to-fahrenheit"


def to_fahrenheit(reading: dict) -> dict:
    return {**reading, "fahrenheit": reading["celsius"] * 9 / 5 + 32}


def count_key(reading: dict, state: State) -> dict:
    seen = state.get("seen", 0) + 1
    state.set("seen", seen)
    return {**reading, "seen": seen}


def main(settings: str, count: str, state_dir: str = "") -> None:
    app = Application(
        ConnectionConfig.from_librdkafka_dict(json.loads(settings)), consumer_group=GROUP, auto_offset_reset="earliest",
        commit_interval=0.2, consumer_poll_timeout=0.1,
        auto_create_topics=bool(state_dir), state_dir=state_dir or "state",
    )  # fmt: skip
    readings = app.dataframe(app.topic(SOURCE, value_deserializer="json"))
    readings = readings.apply(to_fahrenheit)
    if state_dir:
        readings = readings.apply(count_key, stateful=True)
    readings.to_topic(app.topic(TARGET, value_serializer="json"))
    app.run(count=int(count), timeout=30)


if __name__ == "__main__":
    main(*sys.argv[1:])
