# shellcheck shell=bash disable=SC2154 # env.sh names what is granted on
# Sourced by env.sh: who may do what, in one table. A script grants what is on the service that it makes, and what the
# identity that it makes needs; so each can be run alone, in any order, and again.

# Built-in roles: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles and, of Cosmos DB's data plane,
# https://learn.microsoft.com/azure/cosmos-db/how-to-connect-role-based-access-control
role_id() {
    case $1 in
    hub-receiver) echo a638d3c7-ab3a-418d-83e6-5f17a39d4fde ;;
    hub-sender) echo 2b629674-e913-4c01-ae53-ef4638d8f975 ;;
    blob-owner) echo b7e6dc6d-f1e8-4753-8033-0f276bb0955b ;;
    blob-contributor) echo ba92f5b4-2d11-453d-a403-e96b0029c9fe ;;
    blob-reader) echo 2a2b9908-6ea1-4ae2-8e65-a410df84e7d1 ;;
    metrics-publisher) echo 3913510d-42f4-4e42-8a64-420c390055eb ;;
    cosmos-reader) echo 00000000-0000-0000-0000-000000000001 ;;
    cosmos-contributor) echo 00000000-0000-0000-0000-000000000002 ;;
    *) fail "roles.sh: there is no role '$1'" ;;
    esac
}

# identity   role                 service     on                why
grants() {
    cat <<'EOF'
app          hub-receiver         eventhubs   dev               The trigger of split.
app          hub-receiver         eventhubs   places            The trigger of enrich_places.
app          hub-receiver         eventhubs   weather           The trigger of enrich_weather.
app          hub-receiver         eventhubs   seismic           The trigger of enrich_seismic.
app          hub-receiver         eventhubs   enriched          The triggers of store_documents and store_files.
app          hub-receiver         eventhubs   dead-letters      The trigger of store_dead_letters.
app          hub-sender           eventhubs   dev               POST /api/events.
app          hub-sender           eventhubs   places            What split routes there.
app          hub-sender           eventhubs   weather           What split routes there.
app          hub-sender           eventhubs   seismic           What split routes there.
app          hub-sender           eventhubs   enriched          What the enrich functions emit.
app          hub-sender           eventhubs   dead-letters      What a stage refuses.
app          blob-owner           storage     -                 Checkpoints, leases and keys of the Functions host, and the package.
app          blob-contributor     lake        events            store_files.
app          blob-contributor     lake        dead-letters      store_dead_letters.
app          cosmos-contributor   cosmos      events            store_documents.
app          metrics-publisher    insights    -                 Logs and metrics.
job          hub-receiver         eventhubs   dev               The input eventhub.
job          blob-contributor     lake        stream            The output adl.
job          blob-contributor     lake        reference         The input readings.
job          cosmos-contributor   cosmos      stream            The output cosmos.
job          cosmos-contributor   cosmos      aggregates        The output aggregates.
namespace    blob-contributor     lake        capture           Capture.
deployer     blob-contributor     lake        -                 Setting up Capture, and the upload of reference data.
producer     hub-sender           eventhubs   dev               A producer of events.
operator     hub-receiver         eventhubs   -                 tools receive.
operator     hub-sender           eventhubs   -                 tools send, and tools dead-letters replay.
operator     blob-reader          lake        -                 tools dead-letters and tools capture.
operator     blob-reader          storage     azure-webjobs-eventhub  tools topology.
operator     cosmos-reader        cosmos      -                 tools query.
EOF
}

# grant_on SERVICE: every grant on it to an identity that is there by now; grant_to IDENTITY: its grants on every service that
# is there by now. A dry run takes it that scripts run in the order of provision_all.sh.
grant_on() { grant_where service "$1"; }
grant_to() { grant_where identity "$1"; }

grant_where() {
    local column=$1 wanted=$2 identity role service on why found principal
    while read -r identity role service on why <&9; do
        [[ ${!column} == "$wanted" ]] || continue
        if [[ $column == identity ]]; then
            [[ -f $OUT/$service.json || ($dry_run == yes && $identity != app) ]] || continue
        elif [[ $identity == job || $identity == namespace ]]; then
            [[ -f $OUT/$(answer_of "$identity").json ]] || continue
        fi
        found=$(principals "$identity")
        for principal in $found; do
            grant "$identity" "$principal" "$role" "$service" "$on" "$why"
        done
    done 9< <(grants) # az would read on from standard input
}

# The object ids of an identity; none when it does not exist yet.
principals() {
    case $1 in
    app | job | namespace) answer "$(answer_of "$1")" principalId ;;
    deployer) signed_in ;;
    producer) echo "${PRODUCERS//,/ }" ;;
    operator) echo "${OPERATORS//,/ }" ;;
    esac
}

# Who runs the script: a person, or what a workflow is signed in as.
signed_in() {
    local name id
    if [[ $(ask account.user.type az account show --query user.type) == servicePrincipal ]]; then
        name=$(ask account.user.name az account show --query user.name)
        id=$(ask deployer.id az ad sp show --id "$name" --query id) || exit
    else
        id=$(ask deployer.id az ad signed-in-user show --query id) || exit
    fi
    [[ -n $id ]] || fail "the directory does not know who is signed in: az login as a person, or as a service principal"
    echo "$id"
}

answer_of() {
    case $1 in
    app) echo identity ;;
    namespace) echo eventhubs ;;
    *) echo "$1" ;;
    esac
}

# grant IDENTITY PRINCIPAL ROLE SERVICE ON WHY: giving a role twice is giving it once.
grant() {
    local identity=$1 principal=$2 role service=$4 on=$5 why=$6 kind=()
    role=$(role_id "$3")
    if [[ $service == cosmos ]]; then
        local scope=/
        [[ $on == - ]] || scope=/dbs/$DATABASE/colls/$on
        persist az cosmosdb sql role assignment create --resource-group "$group" --account-name "$cosmos" \
            --role-assignment-id "$(declared assignment "$principal" "$role" "$cosmos_id$scope")" \
            --role-definition-id "$role" --principal-id "$principal" --scope "$scope"
        return
    fi
    # Whether a person, a group or an application runs tools/ is not ours to know; az asks the directory.
    [[ $identity == producer || $identity == operator || $identity == deployer ]] || kind=(--assignee-principal-type ServicePrincipal)
    persist az role assignment create --assignee-object-id "$principal" ${kind[@]+"${kind[@]}"} --role "$role" \
        --scope "$(scope_of "$service" "$on")" --description "$why"
}

scope_of() {
    case $1/$2 in
    eventhubs/-) echo "$namespace_id" ;;
    eventhubs/*) echo "$namespace_id/eventhubs/$2" ;;
    storage/-) echo "$host_storage_id" ;;
    storage/*) echo "$host_storage_id/blobServices/default/containers/$2" ;;
    lake/-) echo "$lake_id" ;;
    lake/*) echo "$lake_id/blobServices/default/containers/$2" ;;
    insights/-) echo "$insights_id" ;;
    *) fail "roles.sh: nothing is granted on $1 $2" ;;
    esac
}
