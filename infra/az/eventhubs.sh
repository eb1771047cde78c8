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
    local capture=() settings=() line lines
    lines=$(declared capture "$1")
    while read -r line; do [[ -z $line ]] || settings+=("$line"); done <<<"$lines"
    if ((${#settings[@]})); then
        capture=(--enable-capture true --capture-interval "${settings[0]}" --capture-size-limit "${settings[1]}"
            --skip-empty-archives "${settings[2]}" --destination-name "${settings[3]}" --blob-container "${settings[4]}"
            --archive-name-format "${settings[5]}" --storage-account "$lake_id" --mi-system-assigned true)
    fi
    # Capture is set up only once the namespace's identity may write to its container.
    persist az eventhubs eventhub create --resource-group "$group" --namespace-name "$namespace" --name "$1" \
        --partition-count "$(size partitions)" --cleanup-policy Delete --retention-time-in-hours "$(size retentionHours)" \
        ${capture[@]+"${capture[@]}"}
}

delete() {
    remove "namespace $namespace" az eventhubs namespace delete --resource-group "$group" --name "$namespace"
    forget eventhubs
}

info() { describe "$namespace_id"; }

main "the Event Hubs namespace, its hubs, consumer groups and Capture" "$@"
