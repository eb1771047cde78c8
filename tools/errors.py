"""What a command can fail with, and the one line that each failure of an SDK becomes.

ToolError                the command could not do it: exit 1
├── UsageError           what was asked makes no sense: exit 2
└── SendFailed           a hub did not acknowledge everything: carries what it did
shared.settings.SettingsError    a setting is missing or malformed: exit 2
"""

from __future__ import annotations

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.eventhub.exceptions import AuthenticationError, ConnectError, ConnectionLostError, EventHubError
from confluent_kafka import KafkaError, KafkaException

from shared.settings import SettingsError

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it

_REACH = "check the address in the settings and the network (on a laptop: is `python -m local up` running?)"
_SIGN = "check the key in the settings, or the role of the identity (`az login`, then `az role assignment list`)"
# How the SDK words a missing hub or consumer group: by its management call, and by a link.
_NOT_FOUND = ("Status code: 404", "not-found", "could not be found")
# How Cosmos DB words an ORDER BY that no index serves: by one path, and by several.
_NOT_INDEXED = ("order-by item is excluded", "does not have a corresponding composite index")
_INDEX = (
    "add the path (`/FIELD/?`) to `includedPaths` of the container in infra/cosmos.json, or several (`/FIELD`) to its "
    "`compositeIndexes`; the next `make up` or deployment indexes what is stored"
)
_KAFKA_REFUSALS = (
    KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)  # fmt: skip
_KAFKA_NOT_FOUND = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)
_KAFKA_AWAY = (
    KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._SSL, KafkaError._TIMED_OUT, KafkaError._MSG_TIMED_OUT,
    KafkaError._ALL_BROKERS_DOWN,
)  # fmt: skip


class ToolError(Exception):
    """A command could not do what it was asked; the message says what, where, and what to do."""

    exit_code = EXIT_FAILED


class UsageError(ToolError):
    """The arguments contradict each other, or name something that does not exist."""

    exit_code = EXIT_USAGE


def exit_code(error: Exception) -> int:
    """The exit status of a command that ended with `error`."""
    if isinstance(error, SettingsError):
        return EXIT_USAGE
    return error.exit_code if isinstance(error, ToolError) else EXIT_FAILED


def explain(error: BaseException) -> str | None:
    """One line for a failure that is the user's to mend; None for one that is ours, and deserves its traceback."""
    match error:
        case ToolError() | SettingsError():
            return str(error)
        case AuthenticationError() | ClientAuthenticationError():
            return f"access was refused ({_first_line(error)}): {_SIGN}"
        case EventHubError() if any(words in str(error) for words in _NOT_FOUND):
            return f"no such hub or consumer group ({_first_line(error)}): infra/eventhubs.json lists them"
        case ConnectError() | ConnectionLostError() | ServiceRequestError() | ServiceResponseError():
            return f"the service cannot be reached ({_first_line(error)}): {_REACH}"
        case EventHubError():
            return f"Event Hubs answered with an error: {_first_line(error)}"
        case KafkaException():
            return _explain_kafka(error.args[0])
        case HttpResponseError() if error.status_code in (401, 403):
            return f"access was refused ({_first_line(error)}): {_SIGN}"
        case HttpResponseError() if error.status_code == 404:
            return f"it does not exist ({_first_line(error)}): check the names of the account, database and container"
        case HttpResponseError() if any(words in str(error) for words in _NOT_INDEXED):
            return f"no index serves this order ({_first_line(error)}): {_INDEX}"
        case HttpResponseError():
            return f"the service answered {error.status_code}: {_first_line(error)}"
    return None


def _explain_kafka(error: KafkaError) -> str:
    reason = error.str().strip().splitlines()[0].rstrip(".")
    if error.code() in _KAFKA_REFUSALS:
        return f"access was refused ({reason}): {_SIGN}"
    if error.code() in _KAFKA_NOT_FOUND:
        return f"no such hub ({reason}): infra/eventhubs.json lists them"
    if error.code() in _KAFKA_AWAY:
        return f"the service cannot be reached over Kafka ({reason}): {_REACH}"
    return f"Event Hubs answered with an error: {reason} ({error.name()})"


def _first_line(error: BaseException) -> str:
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return str(text).strip().splitlines()[0].rstrip(".")
