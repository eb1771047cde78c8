"""Makes the database and the containers that the chain writes to, where a Cosmos DB emulator starts without them.

    python infra/compose/containers.py        after `docker compose up -d`; settings as tools/ reads them

The account of `local/` makes its own; in Azure infra/modules/cosmos.bicep does, or infra/az/cosmos_sql.sh, all
from infra/cosmos.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient, PartitionKey

from local.stack import CONTAINERS
from shared import settings
from shared.settings import SettingsError
from tools import environment


def create(connection_string: str) -> list[str]:
    """Make what is missing of infra/cosmos.json; returns what is there then.

    Raises:
        AzureError: the emulator is away, or refuses.
    """
    declared = json.loads(CONTAINERS.read_text())
    with CosmosClient.from_connection_string(connection_string) as client:
        database = client.create_database_if_not_exists(declared["database"])
        for container in declared["containers"]:
            database.create_container_if_not_exists(
                container["id"], PartitionKey(container["partitionKey"]["paths"][0]),
                indexing_policy=container["indexingPolicy"], default_ttl=container["defaultTtl"],
            )  # fmt: skip
        return [f"{database.id}/{container['id']}" for container in declared["containers"]]


def main() -> int:
    try:
        connection = settings.cosmos(environment.load()).connection_string
        if connection is None:
            raise SettingsError("Cosmos: an emulator takes a connection string; local.settings.json.example has it")
        made = create(connection)
    except (AzureError, SettingsError) as error:
        print(f"containers: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    print("\n".join(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
