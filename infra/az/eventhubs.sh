#!/usr/bin/env bash
# The Event Hubs namespace with its hubs, consumer groups and Capture: infra/eventhubs.json and infra/capture.json say which.
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

create() {
    local hub consumer hubs groups
    need lake adl.sh
    make_group
    keep eventhubs az eventhubs namespace create --resource-group "$group" --name "$namespace" --location "$LOCATION" \
        --tags "${tags[@]}" --sku Standard --capacity "$(size throughputUnits)" --enable-auto-inflate true \
        --maximum-throughput-units "$(size maximumThroughputUnits)" --enable-kafka true --disable-local-auth true \
        --minimum-tls-version 1.2 --mi-system-assigned true --query "{id: id, name: name, principalId: identity.principalId}"
    grant_to namespace
    grant_to deployer # who may be another one than who made the Data Lake
    hubs=$(declared hubs)
    for hub in $hubs; do
        make_hub "$hub"
        groups=$(declared groups "$hub")
        for consumer in $groups; do
            run az eventhubs eventhub consumer-group create --resource-group "$group" --namespace-name "$namespace" \
                --eventhub-name "$hub" --name "$consumer"
        done
    done
    grant_on eventhubs
}

make_hub() {
    local captured json
    captured=$(declared captured "$1")
    if [[ $captured == no ]]; then
        run az eventhubs eventhub create --resource-group "$group" --namespace-name "$namespace" --name "$1" \
            --partition-count "$(size partitions)" --cleanup-policy Delete --retention-time-in-hours "$(size retentionHours)"
        return
    fi
    # `az eventhubs eventhub create` leaves --mi-system-assigned out of what it sends (seen in 2.91), and Capture would then
    # write by the account's key. It is set up only once the namespace's identity may write to its container, and who runs this
    # into the account: https://learn.microsoft.com/azure/event-hubs/event-hubs-capture-overview#azure-storage-account-as-a-destination
    json=$(bodies hub "hub=$1" "account=$lake_id")
    save "hub-$1" "$json"
    persist az rest --method put --url "$namespace_id/eventhubs/$1?api-version=2024-01-01" --body "@$OUT/hub-$1.body.json"
}

delete() {
    remove "namespace $namespace" az eventhubs namespace delete --resource-group "$group" --name "$namespace"
    forget eventhubs 'hub-*'
}

info() { describe "$namespace_id"; }

main "the Event Hubs namespace, its hubs, consumer groups and Capture" "$@"
