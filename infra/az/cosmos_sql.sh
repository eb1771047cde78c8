#!/usr/bin/env bash
# Cosmos DB for NoSQL: the database with the chain's documents and what the Stream Analytics job writes.
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# name, partition key, the paths that are indexed: each costs request units at every write, and these are what people ask for.
readonly EVENT_PATHS="/kind/? /epoch/? /sender/? /state/? /magnitude/?"
readonly CONTAINERS=(
    "events /pk $EVENT_PATHS"
    "stream /stream_key $EVENT_PATHS"
    "aggregates /kind /state/? /window_end/?"
)

create() {
    local container name key paths policy
    make_group
    keep cosmos az cosmosdb create --resource-group "$group" --name "$cosmos" --tags "${tags[@]}" --kind GlobalDocumentDB \
        --locations "regionName=$LOCATION" failoverPriority=0 "isZoneRedundant=$(size zoneRedundant)" \
        --default-consistency-level Session --disable-local-auth true --disable-key-based-metadata-write-access true \
        --minimal-tls-version Tls12 --backup-policy-type Continuous --continuous-tier Continuous7Days \
        --query "{id: id, name: name, endpoint: documentEndpoint}"
    run az cosmosdb sql database create --resource-group "$group" --account-name "$cosmos" --name "$DATABASE"
    for container in "${CONTAINERS[@]}"; do
        read -r name key paths <<<"$container"
        # shellcheck disable=SC2086 # a word each
        policy=$(declared indexing $paths)
        run az cosmosdb sql container create --resource-group "$group" --account-name "$cosmos" --database-name "$DATABASE" \
            --name "$name" --partition-key-path "$key" --partition-key-version 2 --ttl "$(size documentTtlSeconds)" \
            --max-throughput "$(size cosmosMaxThroughput)" --idx "$policy"
    done
    grant_on cosmos
}

delete() {
    remove "Cosmos DB account $cosmos" az cosmosdb delete --resource-group "$group" --name "$cosmos" --yes
    forget cosmos
}

info() { describe "$cosmos_id"; }

main "the Cosmos DB account, its database and containers" "$@"
