#!/usr/bin/env bash
# The Stream Analytics job, as stream_analytics/ says. A running job cannot be changed: it is stopped before and started
# after, where its output ended, with its reference data in the Data Lake.
extra_verbs="start stop"
extra_help="  start       upload its reference data, and start it where its output ended
  stop        stop it; the hub keeps what comes in meanwhile, for as long as its retention"
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

create() {
    streams || fail "HEADRACE_STREAM_ANALYTICS is not true: this environment has no job"
    need eventhubs eventhubs.sh
    need lake adl.sh
    need cosmos cosmos_sql.sh
    need workspace monitoring.sh
    make_group
    stop
    put job "$job_id" 2021-10-01-preview "eventhubs=$namespace" "lake=$lake" "cosmos=$cosmos"
    keep job az resource show --ids "$job_id" --query "{id: id, name: name, principalId: identity.principalId}"
    run az monitor diagnostic-settings create --name logs --resource "$job_id" --workspace "$workspace_id" \
        --logs '[{"category": "Execution", "enabled": true}]'
    grant_to job
    grant_to deployer # who may be another one than who made the Data Lake
    start
}

start() { hook start; }
stop() { hook stop; }

hook() {
    run env "AZURE_SUBSCRIPTION_ID=$subscription" "AZURE_RESOURCE_GROUP=$group" "HEADRACE_JOB_NAME=$job" \
        "DataLake__serviceUri=https://$lake.dfs.core.windows.net/" \
        "$infra/hooks/stream_analytics.sh" "$1"
}

delete() {
    stop
    remove "job $job" az resource delete --ids "$job_id" --api-version 2021-10-01-preview
    forget job
}

info() { describe "$job_id"; }

main "the Stream Analytics job" "$@"
