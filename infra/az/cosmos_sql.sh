#!/usr/bin/env bash
# Cosmos DB for NoSQL: the database with the chain's documents and what the Stream Analytics job writes.
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

create() {
    local containers name key policy
    containers=$(declared containers)
    make_group
    keep cosmos az cosmosdb create --resource-group "$group" --name "$cosmos" --tags "${tags[@]}" --kind GlobalDocumentDB \
        --locations "regionName=$LOCATION" failoverPriority=0 "isZoneRedundant=$(size zoneRedundant)" \
        --default-consistency-level Session --disable-local-auth true --disable-key-based-metadata-write-access true \
        --minimal-tls-version Tls12 --backup-policy-type Continuous --continuous-tier Continuous7Days \
        --query "{id: id, name: name, endpoint: documentEndpoint}"
    run az cosmosdb sql database create --resource-group "$group" --account-name "$cosmos" --name "$DATABASE"
    while read -r name key policy <&9; do
        run az cosmosdb sql container create --resource-group "$group" --account-name "$cosmos" --database-name "$DATABASE" \
            --name "$name" --partition-key-path "$key" --partition-key-version 2 --ttl "$(size documentTtlSeconds)" \
            --max-throughput "$(size cosmosMaxThroughput)" --idx "$policy"
    done 9<<<"$containers" # az would read on from standard input
    grant_on cosmos
}

delete() {
    remove "Cosmos DB account $cosmos" az cosmosdb delete --resource-group "$group" --name "$cosmos" --yes
    forget cosmos
}

info() { describe "$cosmos_id"; }

main "the Cosmos DB account, its database and containers" "$@"
