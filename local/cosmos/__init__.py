"""Cosmos DB for NoSQL on a laptop: the REST API over SQLite, as the official SDKs speak it."""

from __future__ import annotations

# Public: the key that every Cosmos DB emulator ships with
# (https://learn.microsoft.com/azure/cosmos-db/emulator#authentication).
WELL_KNOWN_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="


def connection_string(port: int, key: str = WELL_KNOWN_KEY) -> str:
    """The connection string of an account that listens on `port` of this machine."""
    return f"AccountEndpoint=http://localhost:{port}/;AccountKey={key};"
