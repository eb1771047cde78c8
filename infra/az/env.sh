# shellcheck shell=bash
# Sourced by every script here: which environment this is, what its resources are called and how large they are. Names and
# settings are those of infra/main.bicep; the same variables configure azd (infra/main.parameters.json).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here infra=${here%/*}
# shellcheck source=infra/az/verbs.sh
source "$here/verbs.sh"
# shellcheck source=infra/az/roles.sh
source "$here/roles.sh"

readonly ENVIRONMENT=${AZURE_ENV_NAME:-dev}
readonly LOCATION=${AZURE_LOCATION:-westeurope}
readonly PROFILE=${HEADRACE_PROFILE:-dev}
readonly PRODUCERS=${HEADRACE_PRODUCER_IDS:-}
readonly OPERATORS=${HEADRACE_OPERATOR_IDS:-}
# shellcheck disable=SC2034  # monitoring.sh mails alerts there
readonly ALERT_EMAIL=${HEADRACE_ALERT_EMAIL:-}
readonly OUT=${HEADRACE_ANSWERS:-$here/out}/$ENVIRONMENT
readonly DATABASE=dev

[[ $ENVIRONMENT =~ ^[a-z0-9-]{1,20}$ ]] || fail "AZURE_ENV_NAME is '$ENVIRONMENT': take 1 to 20 of a-z, 0-9 and -"
[[ -f $infra/parameters.$PROFILE.json ]] || fail "HEADRACE_PROFILE is '$PROFILE': there is no infra/parameters.$PROFILE.json"
[[ ${HEADRACE_PRIVATE_NETWORKING:-false} == false ]] ||
    fail "HEADRACE_PRIVATE_NETWORKING: these scripts make no private network; deploy infra/main.bicep (docs/deploying.md)"

declared() { python3 -IS "$here/declared.py" "$@"; }
sizes=$(declared sizes "$PROFILE")
readonly sizes

# size NAME: of infra/parameters.PROFILE.json.
size() {
    local name value
    while read -r name value; do [[ $name != "$1" ]] || echo "$value"; done <<<"$sizes"
}

# Set the names of all resources. Their token is unique to the subscription, environment and region; it is kept in out/, so
# that an environment stays what it is when this rule changes.
# shellcheck disable=SC2034  # the scripts use them
name_resources() {
    local signed_in
    if [[ ! -f $OUT/account.json ]]; then
        keep account az account show --query "{id: id, name: name, tenantId: tenantId}"
    elif [[ $dry_run == no ]]; then
        signed_in=$(ask account.id az account show --query id)
        [[ $signed_in == "$(answer account id)" ]] ||
            fail "environment $ENVIRONMENT is in another subscription: az account set --subscription $(answer account id)"
    fi
    subscription=$(answer account id)
    if [[ -f $OUT/token ]]; then
        token=$(<"$OUT/token")
    elif [[ $dry_run == yes ]]; then
        token="<token>"
    else
        token=$(declared token "$subscription" "$ENVIRONMENT" "$LOCATION")
        echo "$token" >"$OUT/token"
    fi
    suffix=$ENVIRONMENT-$token
    group=rg-$ENVIRONMENT
    tags=("azd-env-name=$ENVIRONMENT")
    identity=id-$suffix
    workspace=log-$suffix
    insights=appi-$suffix
    namespace=evhns-$suffix
    host_storage=sthost$token
    lake=stlake$token
    cosmos=cosmos-$suffix
    plan=plan-$suffix
    app=func-$suffix
    job=asa-$suffix
    at=("profile=$PROFILE" "environment=$ENVIRONMENT" "location=$LOCATION")
    local providers=/subscriptions/$subscription/resourceGroups/$group/providers
    identity_id=$providers/Microsoft.ManagedIdentity/userAssignedIdentities/$identity
    workspace_id=$providers/Microsoft.OperationalInsights/workspaces/$workspace
    insights_id=$providers/Microsoft.Insights/components/$insights
    namespace_id=$providers/Microsoft.EventHub/namespaces/$namespace
    host_storage_id=$providers/Microsoft.Storage/storageAccounts/$host_storage
    lake_id=$providers/Microsoft.Storage/storageAccounts/$lake
    cosmos_id=$providers/Microsoft.DocumentDB/databaseAccounts/$cosmos
    plan_id=$providers/Microsoft.Web/serverfarms/$plan
    app_id=$providers/Microsoft.Web/sites/$app
    job_id=$providers/Microsoft.StreamAnalytics/streamingjobs/$job
}

# Make the resource group: every script does, being of use by itself.
make_group() {
    keep group az group create --name "$group" --location "$LOCATION" --tags "${tags[@]}" --query "{id: id, location: location}"
}

streams() { [[ ${HEADRACE_STREAM_ANALYTICS:-true} == true ]]; }

# make_account ANSWER NAME [OPTION...]: a storage account that takes identities alone.
make_account() {
    local what=$1 name=$2
    shift 2
    keep "$what" az storage account create --resource-group "$group" --name "$name" --location "$LOCATION" --tags "${tags[@]}" \
        --kind StorageV2 --sku "$(size storageSku)" --access-tier Hot --allow-shared-key-access false \
        --allow-blob-public-access false --https-only true --min-tls-version TLS1_2 "$@" --query "{id: id, name: name}"
}

# make_containers ACCOUNT NAME...: through ARM, which takes no role on the data.
make_containers() {
    local account=$1 name
    shift
    for name in "$@"; do
        run az storage container-rm create --resource-group "$group" --storage-account "$account" --name "$name"
    done
}
