// Headrace in Azure, whole: the hubs and their Capture, the stores, the function app, the Stream Analytics job, and who may do what.
//   azd up                                     or
//   az deployment sub create -l LOCATION -f infra/main.bicep -p environmentName=NAME location=LOCATION profile=prod
// What exists is said by eventhubs.json, capture.json and stream_analytics/; how large it is, by parameters.PROFILE.json.
targetScope = 'subscription'

@description('Name of the environment: a part of the name of every resource.')
@minLength(1)
@maxLength(20)
param environmentName string

@description('Azure region of every resource. It must offer Flex Consumption.')
param location string

@description('Which sizes: infra/parameters.dev.json or infra/parameters.prod.json.')
@allowed(['dev', 'prod'])
param profile string = 'dev'

@description('Close the public endpoints of hubs and stores; the function app reaches them through a virtual network.')
param privateNetworking bool = false

@description('Deploy the Stream Analytics job.')
param streamAnalytics bool = true

@description('Object ids of the identities that may send to the hub dev, separated by commas. No others may but the app.')
param producerPrincipalIds string = ''

@description('Object ids of the identities that run tools/ against this environment, separated by commas: they may read every hub and store, and send to every hub (a replay of dead letters does).')
param operatorPrincipalIds string = ''

@description('Address that alerts are mailed to. Without one they show in the portal alone.')
param alertEmail string = ''

var profiles = {
  dev: loadJsonContent('parameters.dev.json')
  prod: loadJsonContent('parameters.prod.json')
}
var sizes = profiles[profile]
var environmentLabel = toLower(environmentName)
var token = uniqueString(subscription().id, environmentName, location)
var suffix = '${environmentLabel}-${token}'
var tags = {
  'azd-env-name': environmentName
}

resource resources 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentLabel}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: resources
  params: {
    name: 'id-${suffix}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: resources
  params: {
    workspaceName: 'log-${suffix}'
    insightsName: 'appi-${suffix}'
    location: location
    tags: tags
    retentionDays: sizes.logRetentionDays
    dailyCapGb: sizes.logDailyCapGb
  }
}

module eventHubs 'modules/event_hubs.bicep' = {
  name: 'event-hubs'
  scope: resources
  params: {
    name: 'evhns-${suffix}'
    location: location
    tags: tags
    throughputUnits: sizes.throughputUnits
    maximumThroughputUnits: sizes.maximumThroughputUnits
    closed: privateNetworking
  }
}

module hostStorage 'modules/host_storage.bicep' = {
  name: 'host-storage'
  scope: resources
  params: {
    name: 'sthost${token}'
    location: location
    tags: tags
    sku: sizes.storageSku
    closed: privateNetworking
  }
}

module dataLake 'modules/data_lake.bicep' = {
  name: 'data-lake'
  scope: resources
  params: {
    name: 'stlake${token}'
    location: location
    tags: tags
    sku: sizes.storageSku
    closed: privateNetworking
  }
}

module captureAccess 'modules/capture_access.bicep' = {
  name: 'capture-access'
  scope: resources
  params: {
    principalId: eventHubs.outputs.principalId
    dataLakeName: dataLake.outputs.name
  }
}

module hubs 'modules/hubs.bicep' = {
  name: 'hubs'
  scope: resources
  params: {
    namespaceName: eventHubs.outputs.name
    partitions: sizes.partitions
    retentionHours: sizes.retentionHours
    captureAccountName: dataLake.outputs.name
  }
  // A role takes minutes until it is known everywhere, and nothing tries again here: meanwhile Cosmos DB is made.
  dependsOn: [captureAccess, cosmos]
}

module cosmos 'modules/cosmos.bicep' = {
  name: 'cosmos'
  scope: resources
  params: {
    name: 'cosmos-${suffix}'
    location: location
    tags: tags
    maxThroughput: sizes.cosmosMaxThroughput
    documentTtlSeconds: sizes.documentTtlSeconds
    zoneRedundant: sizes.zoneRedundant
    closed: privateNetworking
    streamAnalytics: streamAnalytics
  }
}

// The account of Cosmos DB takes one change at a time, and refuses others meanwhile ("exclusive lock"), its role assignments
// among them (https://github.com/hashicorp/terraform-provider-azurerm/issues/15842): its private endpoint, and who may do what to
// it, come one after the other.
module appAccess 'modules/app_access.bicep' = {
  name: 'app-access'
  scope: resources
  params: {
    principalId: identity.outputs.principalId
    namespaceName: hubs.outputs.namespaceName
    hostStorageName: hostStorage.outputs.name
    dataLakeName: dataLake.outputs.name
    cosmosName: cosmos.outputs.name
    insightsName: monitoring.outputs.insightsName
  }
  dependsOn: [privateEndpoints]
}

module peopleAccess 'modules/people_access.bicep' = {
  name: 'people-access'
  scope: resources
  params: {
    producerPrincipalIds: empty(producerPrincipalIds) ? [] : split(producerPrincipalIds, ',')
    operatorPrincipalIds: empty(operatorPrincipalIds) ? [] : split(operatorPrincipalIds, ',')
    namespaceName: hubs.outputs.namespaceName
    hostStorageName: hostStorage.outputs.name
    dataLakeName: dataLake.outputs.name
    cosmosName: cosmos.outputs.name
  }
  dependsOn: [appAccess]
}

module network 'modules/network.bicep' = if (privateNetworking) {
  name: 'network'
  scope: resources
  params: {
    name: 'vnet-${suffix}'
    location: location
    tags: tags
  }
}

module privateEndpoints 'modules/private_endpoints.bicep' = if (privateNetworking) {
  name: 'private-endpoints'
  scope: resources
  params: {
    networkName: privateNetworking ? network.outputs.name : ''
    location: location
    tags: tags
    namespaceName: eventHubs.outputs.name
    hostStorageName: hostStorage.outputs.name
    dataLakeName: dataLake.outputs.name
    cosmosName: cosmos.outputs.name
  }
}

module functionApp 'modules/function_app.bicep' = {
  name: 'function-app'
  scope: resources
  params: {
    name: 'func-${suffix}'
    planName: 'plan-${suffix}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    hostStorageName: hostStorage.outputs.name
    dataLakeName: dataLake.outputs.name
    namespaceName: hubs.outputs.namespaceName
    cosmosName: cosmos.outputs.name
    insightsName: monitoring.outputs.insightsName
    subnetId: privateNetworking ? network.outputs.appSubnetId : ''
    zoneRedundant: sizes.zoneRedundant
    pythonVersion: sizes.pythonVersion
    instanceMemoryMB: sizes.instanceMemoryMB
    maximumInstanceCount: sizes.maximumInstanceCount
    alwaysReady: sizes.alwaysReady
  }
  // Its host reads checkpoints and hubs from the first second on; the private endpoints are there before the roles.
  dependsOn: [appAccess]
}

module job 'modules/stream_analytics.bicep' = if (streamAnalytics) {
  name: 'stream-analytics'
  scope: resources
  params: {
    name: 'asa-${suffix}'
    location: location
    tags: tags
    streamingUnits: sizes.streamingUnits
    namespaceName: hubs.outputs.namespaceName
    dataLakeName: dataLake.outputs.name
    cosmosName: cosmos.outputs.name
    workspaceName: monitoring.outputs.workspaceName
  }
}

module jobAccess 'modules/job_access.bicep' = if (streamAnalytics) {
  name: 'job-access'
  scope: resources
  params: {
    principalId: streamAnalytics ? job.outputs.principalId : ''
    namespaceName: hubs.outputs.namespaceName
    dataLakeName: dataLake.outputs.name
    cosmosName: cosmos.outputs.name
  }
  dependsOn: [peopleAccess]
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  scope: resources
  params: {
    suffix: suffix
    location: location
    tags: tags
    email: alertEmail
    namespaceName: hubs.outputs.namespaceName
    cosmosName: cosmos.outputs.name
    insightsName: monitoring.outputs.insightsName
    jobName: streamAnalytics ? job.outputs.name : ''
    lagSeconds: sizes.lagAlertSeconds
    watermarkSeconds: sizes.watermarkAlertSeconds
    throttledRequests: sizes.throttledAlertRequests
  }
}

// azd keeps these in the environment; by the first three, tools/ finds the services.
output EventHubs__fullyQualifiedNamespace string = eventHubs.outputs.fullyQualifiedNamespace
output Cosmos__accountEndpoint string = cosmos.outputs.endpoint
output DataLake__serviceUri string = dataLake.outputs.serviceUri
output HEADRACE_CHECKPOINTS_URL string = hostStorage.outputs.blobUri
output HEADRACE_CAPTURE_URL string = dataLake.outputs.blobUri
output HEADRACE_APP_NAME string = functionApp.outputs.name
output HEADRACE_APP_URL string = functionApp.outputs.url
output HEADRACE_JOB_NAME string = streamAnalytics ? job.outputs.name : ''
output AZURE_RESOURCE_GROUP string = resources.name
output AZURE_LOCATION string = location
