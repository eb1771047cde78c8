#!/bin/sh
# Stops the Stream Analytics job before a deployment and starts it after, where its output ended: nothing is left out. A job reads
# its reference data when it starts, so stream_analytics/reference/ is uploaded before.
# azd runs it (azure.yaml) with its environment: AZURE_SUBSCRIPTION_ID, AZURE_ENV_NAME and, once deployed, AZURE_RESOURCE_GROUP,
# HEADRACE_JOB_NAME and DataLake__serviceUri.
set -eu

api="api-version=2020-03-01"
deadline=${HEADRACE_JOB_DEADLINE:-900} # seconds that a job may take to stop or start, and a role to be known everywhere
pause=${HEADRACE_JOB_PAUSE:-5}
reference=$(dirname "$0")/../../stream_analytics/reference

usage() {
    echo "usage: $0 stop | start" >&2
    exit 2
}

need_az() {
    command -v az >/dev/null || {
        echo "Stream Analytics: the az command is missing; install it, or deploy without the job: azd env set HEADRACE_STREAM_ANALYTICS false" >&2
        exit 1
    }
}

jobs_url() {
    echo "/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$AZURE_RESOURCE_GROUP/providers/Microsoft.StreamAnalytics/streamingjobs"
}

find_job() {
    if ! found=$(az rest --only-show-errors --method get --url "$(jobs_url)?$api" --query "value[0].name" --output tsv 2>&1); then
        case $found in *"Not Found"* | *NotFound*) return ;; esac
        echo "Stream Analytics: cannot ask for the job of $AZURE_RESOURCE_GROUP: $found" >&2
        exit 1
    fi
    echo "$found"
}

ask() { # METHOD PATH-AFTER-THE-JOB [more of az rest]
    method=$1 path=$2
    shift 2
    az rest --only-show-errors --method "$method" --url "$job_url$path?$api" "$@"
}

property() {
    ask get "" --query "properties.$1" --output tsv
}

stop() {
    if ! state=$(property jobState 2>&1); then
        # Deleted by hand, or with its resource group: the deployment makes it anew.
        case $state in *"Not Found"* | *NotFound*) return ;; esac
        echo "Stream Analytics: cannot ask for $HEADRACE_JOB_NAME: $state" >&2
        exit 1
    fi
    waited=0
    while :; do
        case $state in
        Created | Stopped | Failed) return ;;
        Stopping) ;;
        *) [ "$waited" -gt 0 ] || ask post /stop ;;
        esac
        if [ "$waited" -ge "$deadline" ]; then
            echo "Stream Analytics: $HEADRACE_JOB_NAME is still $state after $deadline s; stop it in the portal and deploy again" >&2
            exit 1
        fi
        sleep "$pause"
        waited=$((waited + pause))
        state=$(property jobState)
    done
}

upload() {
    lake=${DataLake__serviceUri:?it is not known; azd env refresh asks Azure}
    lake=${lake#*://}
    lake=${lake%%.*}
    waited=0
    until said=$(az storage blob upload-batch --only-show-errors --auth-mode login --account-name "$lake" \
        --destination reference --source "$reference" --overwrite true --no-progress --output none 2>&1); do
        case ${HEADRACE_PRIVATE_NETWORKING:-false}:$said in
        true:*"network rules"*)
            # The job waits for what is not there, and runs on what is.
            echo "Stream Analytics: reference data was not uploaded, since $lake is closed from here; inside the virtual network, run $0 stop, and $0 start" >&2
            return
            ;;
        # In these words az says that a role is missing, or is not known yet.
        *ermission* | *uthoriz* | *"network rules"*)
            if [ "$waited" -lt "$deadline" ]; then
                [ "$waited" -gt 0 ] || echo "Stream Analytics: waiting for the role to write into $lake, for up to $deadline s" >&2
                sleep "$pause"
                waited=$((waited + pause))
                continue
            fi
            ;;
        esac
        echo "Stream Analytics: cannot upload reference data to $lake: $said" >&2
        exit 1
    done
}

start() {
    upload
    mode=JobStartTime
    # Known once the job has written anything.
    if [ -n "$(property lastOutputEventTime)" ]; then mode=LastOutputEventTime; fi
    echo "Stream Analytics: starting $HEADRACE_JOB_NAME ($mode)"
    ask post /start --body "{\"outputStartMode\": \"$mode\"}"
    # Azure answers when it begins to start it, and a job fails whose roles are not known yet, which takes up to ten minutes:
    # https://learn.microsoft.com/azure/stream-analytics/cosmos-db-managed-identity
    waited=0
    while :; do
        sleep "$pause"
        waited=$((waited + pause))
        state=$(property jobState)
        case $state in Starting | Failed) ;; *) return ;; esac
        if [ "$waited" -ge "$deadline" ]; then
            echo "Stream Analytics: $HEADRACE_JOB_NAME is $state after $deadline s; its activity log in the portal says why" >&2
            [ "$state" = Starting ] || exit 1
            return
        fi
        [ "$state" = Starting ] || ask post /start --body "{\"outputStartMode\": \"$mode\"}"
    done
}

verb=${1:-}
case $verb in stop | start) ;; *) usage ;; esac
# A deployment leaves the name with azd. Where azd has none, as in a workflow's fresh clone, the resource group says which job runs.
if [ -z "${HEADRACE_JOB_NAME+set}" ] && [ "${HEADRACE_STREAM_ANALYTICS:-true}" = true ] && [ -n "${AZURE_SUBSCRIPTION_ID:-}" ]; then
    need_az
    AZURE_RESOURCE_GROUP=${AZURE_RESOURCE_GROUP:-rg-$AZURE_ENV_NAME}
    HEADRACE_JOB_NAME=$(find_job)
fi
# Before the first deployment, and without a job, there is no name.
[ -n "${HEADRACE_JOB_NAME:-}" ] || exit 0
need_az
job_url=$(jobs_url)/$HEADRACE_JOB_NAME
"$verb"
