// What those outside may do: producers send to the entry hub, operators run tools/. The inner hubs are the app's alone: who can
// send to them could claim any origin for a record. An operator can, since a replay of dead letters does.
@description('Object ids of the identities that send events to the hub dev.')
param producerPrincipalIds string[]

@description('Object ids of the identities that run tools/.')
param operatorPrincipalIds string[]

@description('Name of the Event Hubs namespace.')
param namespaceName string

@description('Name of the storage account of the Functions host.')
param hostStorageName string

@description('Name of the Data Lake storage account.')
param dataLakeName string

@description('Name of the Cosmos DB account.')
param cosmosName string

var roles = {
  eventHubsDataReceiver: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
  eventHubsDataSender: '2b629674-e913-4c01-ae53-ef4638d8f975'
  storageBlobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
}
var definitions = 'Microsoft.Authorization/roleDefinitions'
var cosmosDataReader = '00000000-0000-0000-0000-000000000001'

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' existing = {
  name: namespaceName
}

resource entry 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' existing = {
  parent: namespace
  name: 'dev'
}

resource dataLake 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: dataLakeName
}

resource hostStorage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: hostStorageName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' existing = {
  parent: hostStorage
  name: 'default'
}

resource checkpoints 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = {
  parent: blobs
  name: 'azure-webjobs-eventhub'
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' existing = {
  name: cosmosName
}

resource produces 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for producer in producerPrincipalIds: {
    name: guid(entry.id, trim(producer), roles.eventHubsDataSender)
    scope: entry
    properties: {
      roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataSender)
      principalId: trim(producer)
      description: 'A producer of events.'
    }
  }
]

resource receives 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for operator in operatorPrincipalIds: {
    name: guid(namespace.id, trim(operator), roles.eventHubsDataReceiver)
    scope: namespace
    properties: {
      roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataReceiver)
      principalId: trim(operator)
      description: 'tools receive, by the consumer groups called tools.'
    }
  }
]

resource replays 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for operator in operatorPrincipalIds: {
    name: guid(namespace.id, trim(operator), roles.eventHubsDataSender)
    scope: namespace
    properties: {
      roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataSender)
      principalId: trim(operator)
      description: 'tools send, and tools dead-letters replay: to the hub that each came from.'
    }
  }
]

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for operator in operatorPrincipalIds: {
    name: guid(dataLake.id, trim(operator), roles.storageBlobDataReader)
    scope: dataLake
    properties: {
      roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataReader)
      principalId: trim(operator)
      description: 'tools dead-letters list and show, tools capture.'
    }
  }
]

resource follows 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for operator in operatorPrincipalIds: {
    name: guid(checkpoints.id, trim(operator), roles.storageBlobDataReader)
    scope: checkpoints
    properties: {
      roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataReader)
      principalId: trim(operator)
      description: 'tools topology.'
    }
  }
]

@batchSize(1)
resource queries 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = [
  for operator in operatorPrincipalIds: {
    parent: cosmos
    name: guid(cosmos.id, trim(operator), cosmosDataReader)
    properties: {
      roleDefinitionId: '${cosmos.id}/sqlRoleDefinitions/${cosmosDataReader}'
      principalId: trim(operator)
      scope: cosmos.id
    }
  }
]
