#!/usr/bin/env bash
# The whole environment, service by service. Each script can be run by itself, too, again and in any order that its answers
# allow.
extra_verbs=settings
extra_help="  settings    what tools/ read to find this environment: eval \"\$(infra/az/provision_all.sh settings)\""
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# In the order in which one needs what another made.
readonly SERVICES=(extensions identity monitoring storage adl eventhubs cosmos_sql functions)

create() {
    each create "${SERVICES[@]}"
    ! streams || each create stream_analytics
    each alerts monitoring
}

# The group holds nothing else. Application Insights and its workspace go for good with it, unless recovered in two weeks.
delete() {
    remove "resource group $group" az group delete --name "$group" --yes
    forget group identity workspace insights storage lake eventhubs 'hub-*' cosmos app plan job
}

info() {
    each info "${SERVICES[@]}"
    ! streams || each info stream_analytics
}

# Addresses alone; az login says who asks.
settings() {
    echo "export EventHubs__fullyQualifiedNamespace=$namespace.servicebus.windows.net"
    echo "export Cosmos__accountEndpoint=https://$cosmos.documents.azure.com:443/"
    echo "export DataLake__serviceUri=https://$lake.dfs.core.windows.net"
    echo "export HEADRACE_APP_URL=https://$(answer app url)"
    echo "export HEADRACE_CAPTURE_URL=https://$lake.blob.core.windows.net"
    echo "export HEADRACE_CHECKPOINTS_URL=https://$host_storage.blob.core.windows.net"
}

# each VERB SCRIPT...
each() {
    local verb=$1 name options=()
    shift
    [[ $dry_run == no ]] || options+=(--dry-run)
    [[ $confirmed == no ]] || options+=(--yes)
    for name in "$@"; do
        echo "# $name.sh $verb" >&3
        "$here/$name.sh" "$verb" ${options[@]+"${options[@]}"}
    done
}

main "everything, by all scripts here" "$@"
