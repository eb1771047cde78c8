#!/usr/bin/env bash
# The Functions host's own storage: its checkpoints, leases and keys, and the deployed package. Data never goes here.
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

create() {
    make_group
    make_account storage "$host_storage"
    make_containers "$host_storage" app-package azure-webjobs-eventhub
    grant_on storage
}

delete() {
    remove "storage account $host_storage" az storage account delete --resource-group "$group" --name "$host_storage" --yes
    forget storage
}

info() { describe "$host_storage_id"; }

main "the storage account of the Functions host" "$@"
