#!/usr/bin/env bash
# Extensions of az that looking after the environment takes (docs/operating.md). The other scripts need none.
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

readonly EXTENSIONS=(application-insights stream-analytics)

create() {
    local name
    for name in "${EXTENSIONS[@]}"; do run az extension add --name "$name" --upgrade --yes; done
}

delete() {
    local name
    for name in "${EXTENSIONS[@]}"; do remove "extension $name" az extension remove --name "$name"; done
}

info() {
    show az extension list --output table
    [[ $dry_run == yes ]] || az extension list --output table
}

main "the az extensions for queries and for the job's state" "$@"
