// The Stream Analytics job, as stream_analytics/ says, and what its identity may do. A running job cannot be changed: azure.yaml
// stops it before a deployment and starts it after, where its output ended.
@description('Name of the job.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Streaming units: 3 is a third of one V2 unit, 10 a whole one.')
@allowed([3, 7, 10, 20, 30, 40, 50, 60])
param streamingUnits int

@description('Name of the Event Hubs namespace.')
param namespaceName string

@description('Name of the Data Lake storage account.')
param dataLakeName string

@description('Name of the Cosmos DB account.')
param cosmosName string

@description('Name of the Log Analytics workspace that its errors go to.')
param workspaceName string

var template = loadTextContent('../../stream_analytics/job.json')
var job = json(replace(replace(replace(template, '<EventHubs>', namespaceName), '<DataLake>', dataLakeName), '<Cosmos>', cosmosName))

var readHub = 'dev'
// Reference data, which a job may read by the role that its outputs have:
// https://learn.microsoft.com/azure/stream-analytics/blob-output-managed-identity
var readFileSystem = 'reference'
var writtenFileSystem = 'stream'
var writtenContainers = ['stream', 'aggregates']
var roles = {
  eventHubsDataReceiver: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}
var definitions = 'Microsoft.Authorization/roleDefinitions'
var cosmosDataContributor = '00000000-0000-0000-0000-000000000002'

resource streaming 'Microsoft.StreamAnalytics/streamingjobs@2021-10-01-preview' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    sku: {
      name: 'StandardV2'
    }
    jobType: 'Cloud'
    contentStoragePolicy: 'SystemAccount'
    dataLocale: 'en-US'
    compatibilityLevel: job.compatibilityLevel
    eventsOutOfOrderPolicy: job.eventsOutOfOrderPolicy
    eventsOutOfOrderMaxDelayInSeconds: job.eventsOutOfOrderMaxDelayInSeconds
    eventsLateArrivalMaxDelayInSeconds: job.eventsLateArrivalMaxDelayInSeconds
    outputErrorPolicy: job.outputErrorPolicy
    inputs: job.inputs
    outputs: job.outputs
    transformation: {
      name: 'job'
      properties: {
        streamingUnits: streamingUnits
        query: loadTextContent('../../stream_analytics/job.asaql')
      }
    }
  }
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: streaming
  properties: {
    workspaceId: workspace.id
    logs: [
      {
        category: 'Execution'
        enabled: true
      }
    ]
  }
}

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' existing = {
  name: namespaceName
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' existing = {
  parent: namespace
  name: readHub
}

resource dataLake 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: dataLakeName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' existing = {
  parent: dataLake
  name: 'default'
}

resource fileSystem 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = {
  parent: blobs
  name: writtenFileSystem
}

resource reference 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = {
  parent: blobs
  name: readFileSystem
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' existing = {
  name: cosmosName
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, streaming.id, roles.eventHubsDataReceiver)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataReceiver)
    principalId: streaming.identity.principalId
    principalType: 'ServicePrincipal'
    description: 'The input of the job.'
  }
}

resource writesFiles 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(fileSystem.id, streaming.id, roles.storageBlobDataContributor)
  scope: fileSystem
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataContributor)
    principalId: streaming.identity.principalId
    principalType: 'ServicePrincipal'
    description: 'The output adl of the job.'
  }
}

resource readsFiles 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(reference.id, streaming.id, roles.storageBlobDataContributor)
  scope: reference
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataContributor)
    principalId: streaming.identity.principalId
    principalType: 'ServicePrincipal'
    description: 'The input readings of the job.'
  }
}

resource uploads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(reference.id, deployer().objectId, roles.storageBlobDataContributor)
  scope: reference
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataContributor)
    principalId: deployer().objectId
    description: 'Who deploys, which uploads the reference data.'
  }
}

@batchSize(1)
resource writesDocuments 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = [
  for container in writtenContainers: {
    parent: cosmos
    name: guid(cosmos.id, streaming.id, container, cosmosDataContributor)
    properties: {
      roleDefinitionId: '${cosmos.id}/sqlRoleDefinitions/${cosmosDataContributor}'
      principalId: streaming.identity.principalId
      scope: '${cosmos.id}/dbs/dev/colls/${container}'
    }
  }
]

output name string = streaming.name
