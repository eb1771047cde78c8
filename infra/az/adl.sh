#!/usr/bin/env bash
# The Data Lake: what the chain stores, what it refused, what the Stream Analytics job writes and looks up, and what Capture
# keeps.
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

create() {
    make_group
    make_account lake "$lake" --enable-hierarchical-namespace true
    make_containers "$lake" events dead-letters stream reference capture
    grant_on lake
}

delete() {
    remove "storage account $lake" az storage account delete --resource-group "$group" --name "$lake" --yes
    forget lake
}

info() { describe "$lake_id"; }

main "the Data Lake account with its file systems" "$@"
