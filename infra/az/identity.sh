#!/usr/bin/env bash
# The identity that the function app runs as. It outlives the app, so that its roles do.
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

create() {
    make_group
    keep identity az identity create --resource-group "$group" --name "$identity" --location "$LOCATION" --tags "${tags[@]}" \
        --query "{id: id, principalId: principalId, clientId: clientId}"
    grant_to app
}

delete() {
    remove "identity $identity" az identity delete --resource-group "$group" --name "$identity"
    forget identity
}

info() { describe "$identity_id"; }

main "the function app's identity" "$@"
