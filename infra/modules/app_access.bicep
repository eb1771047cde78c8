// What the function app may do: a role for each thing that its code does, on exactly what it does it to.
@description('Object id of the identity that the app runs as.')
param principalId string

@description('Name of the Event Hubs namespace.')
param namespaceName string

@description('Name of the storage account of the Functions host.')
param hostStorageName string

@description('Name of the Data Lake storage account.')
param dataLakeName string

@description('Name of the Cosmos DB account.')
param cosmosName string

@description('Name of the Application Insights resource.')
param insightsName string

// The triggers in functions/.
var readHubs = ['dev', 'places', 'weather', 'seismic', 'enriched', 'dead-letters']
// shared/chain.py and functions/ingest.py.
var sentHubs = ['dev', 'places', 'weather', 'seismic', 'enriched', 'dead-letters']
// shared/sinks/files.py.
var writtenFileSystems = ['events', 'dead-letters']
var writtenContainer = 'events'

var roles = {
  eventHubsDataReceiver: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
  eventHubsDataSender: '2b629674-e913-4c01-ae53-ef4638d8f975'
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
}
var definitions = 'Microsoft.Authorization/roleDefinitions'
var cosmosDataContributor = '00000000-0000-0000-0000-000000000002'

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' existing = {
  name: namespaceName
}

resource read 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' existing = [
  for hub in readHubs: {
    parent: namespace
    name: hub
  }
]

resource sent 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' existing = [
  for hub in sentHubs: {
    parent: namespace
    name: hub
  }
]

resource hostStorage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: hostStorageName
}

resource dataLake 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: dataLakeName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' existing = {
  parent: dataLake
  name: 'default'
}

resource fileSystems 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = [
  for name in writtenFileSystems: {
    parent: blobs
    name: name
  }
]

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' existing = {
  name: cosmosName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (hub, i) in readHubs: {
    name: guid(read[i].id, principalId, roles.eventHubsDataReceiver)
    scope: read[i]
    properties: {
      roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataReceiver)
      principalId: principalId
      principalType: 'ServicePrincipal'
      description: 'The trigger that reads ${hub}.'
    }
  }
]

resource sends 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (hub, i) in sentHubs: {
    name: guid(sent[i].id, principalId, roles.eventHubsDataSender)
    scope: sent[i]
    properties: {
      roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataSender)
      principalId: principalId
      principalType: 'ServicePrincipal'
      description: 'The stages that send to ${hub}.'
    }
  }
]

resource hosts 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, principalId, roles.storageBlobDataOwner)
  scope: hostStorage
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataOwner)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Checkpoints, leases and keys of the Functions host, and the deployed package.'
  }
}

resource writesFiles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, i) in writtenFileSystems: {
    name: guid(fileSystems[i].id, principalId, roles.storageBlobDataContributor)
    scope: fileSystems[i]
    properties: {
      roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataContributor)
      principalId: principalId
      principalType: 'ServicePrincipal'
      description: 'The stage that writes files into ${name}.'
    }
  }
]

resource writesDocuments 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = {
  parent: cosmos
  name: guid(cosmos.id, principalId, writtenContainer, cosmosDataContributor)
  properties: {
    roleDefinitionId: '${cosmos.id}/sqlRoleDefinitions/${cosmosDataContributor}'
    principalId: principalId
    scope: '${cosmos.id}/dbs/dev/colls/${writtenContainer}'
  }
}

resource publishes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, principalId, roles.monitoringMetricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.monitoringMetricsPublisher)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Logs and metrics of the app.'
  }
}
