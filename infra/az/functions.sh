#!/usr/bin/env bash
# The function app on Flex Consumption, with its settings and its code. It holds no key: every setting is an address, or
# says which identity.
extra_verbs=deploy
extra_help="  deploy      put the code of this clone into it, built in Azure from requirements.txt"
# shellcheck source=infra/az/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

create() {
    local client connection protocol
    need identity identity.sh
    need insights monitoring.sh
    need storage storage.sh
    make_group
    put plan "$plan_id" 2024-04-01
    put app "$app_id" 2024-04-01 "plan=$plan_id" "identity=$identity_id" "storage=$host_storage"
    keep app az resource show --ids "$app_id" --query "{id: id, name: name, url: properties.defaultHostName}"
    # Deploying goes by Entra ID alone.
    for protocol in ftp scm; do
        run az resource update --resource-group "$group" --name "$protocol" --namespace Microsoft.Web \
            --resource-type basicPublishingCredentialsPolicies --parent "sites/$app" --set properties.allow=false
    done
    client=$(answer identity clientId)
    # It says where to send, and opens nothing: Application Insights takes identities alone.
    connection=$(ask insights.connectionString az resource show --ids "$insights_id" --query properties.ConnectionString)
    [[ -n $connection ]] || fail "Application Insights $insights is gone: monitoring.sh create"
    run az functionapp config appsettings set --resource-group "$group" --name "$app" --output none --settings \
        AzureWebJobsStorage__credential=managedidentity \
        "AzureWebJobsStorage__clientId=$client" \
        "AzureWebJobsStorage__blobServiceUri=https://$host_storage.blob.core.windows.net" \
        EventHubs__credential=managedidentity \
        "EventHubs__clientId=$client" \
        "EventHubs__fullyQualifiedNamespace=$namespace.servicebus.windows.net" \
        "Cosmos__clientId=$client" \
        "Cosmos__accountEndpoint=https://$cosmos.documents.azure.com:443/" \
        "DataLake__clientId=$client" \
        "DataLake__serviceUri=https://$lake.dfs.core.windows.net" \
        "AZURE_CLIENT_ID=$client" \
        "APPLICATIONINSIGHTS_CONNECTION_STRING=$connection" \
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING=ClientId=$client;Authorization=AAD"
    deploy
}

deploy() {
    local package=$OUT/app.zip
    run python3 "$here/package.py" "$package"
    run az functionapp deployment source config-zip --resource-group "$group" --name "$app" --src "$package" --build-remote true
}

delete() {
    remove "function app $app" az functionapp delete --resource-group "$group" --name "$app" --keep-empty-plan
    remove "plan $plan" az resource delete --ids "$plan_id"
    forget app plan
}

info() { describe "$plan_id" "$app_id"; }

main "the function app" "$@"
