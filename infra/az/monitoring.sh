#!/usr/bin/env bash
# Where logs and metrics go: a Log Analytics workspace, and Application Insights on top of it. `alerts` adds the alerts of
# infra/alerts.bicep, once everything that they watch is there.
extra_verbs=alerts
extra_help="  alerts      create the alerts on what all scripts have made"
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

create() {
    make_group
    put workspace "$workspace_id" 2023-09-01
    put insights "$insights_id" 2020-02-02 "workspace=$workspace_id"
    keep workspace az resource show --ids "$workspace_id" --query "{id: id, name: name}"
    keep insights az resource show --ids "$insights_id" --query "{id: id, name: name}"
    grant_on insights
}

alerts() {
    local job_name=
    need cosmos cosmos_sql.sh
    need eventhubs eventhubs.sh
    need insights monitoring.sh
    ! streams || job_name=$job
    run az deployment group create --resource-group "$group" --name alerts --template-file "$infra/alerts.bicep" \
        --parameters "suffix=$suffix" "location=$LOCATION" "tags={\"azd-env-name\":\"$ENVIRONMENT\"}" "email=$ALERT_EMAIL" \
        "namespaceName=$namespace" "cosmosName=$cosmos" "insightsName=$insights" "jobName=$job_name" \
        "lagSeconds=$(size lagAlertSeconds)" "watermarkSeconds=$(size watermarkAlertSeconds)" \
        "throttledRequests=$(size throttledAlertRequests)"
}

delete() {
    remove "Application Insights $insights" az resource delete --ids "$insights_id"
    # Forced, its name is free at once; otherwise it waits two weeks to be recovered.
    remove "workspace $workspace" az monitor log-analytics workspace delete --resource-group "$group" --workspace-name "$workspace" --force --yes
    forget workspace insights
}

info() { describe "$workspace_id" "$insights_id"; }

main "Log Analytics, Application Insights and the alerts" "$@"
