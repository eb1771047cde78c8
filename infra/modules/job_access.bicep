// What the Stream Analytics job may do. A job that is deleted and made anew has another identity by the same name, and a role
// assignment cannot be given to another (RoleAssignmentUpdateNotPermitted): so the identity is in the names, which a module
// takes as a parameter.
@description('Object id of the identity of the job.')
param principalId string

@description('Name of the Event Hubs namespace.')
param namespaceName string

@description('Name of the Data Lake storage account.')
param dataLakeName string

@description('Name of the Cosmos DB account.')
param cosmosName string

var readHub = 'dev'
// Reference data, which a job may read by the role that its outputs have:
// https://learn.microsoft.com/azure/stream-analytics/blob-output-managed-identity
var fileSystems = ['stream', 'reference']
var writtenContainers = ['stream', 'aggregates']
var roles = {
  eventHubsDataReceiver: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}
var definitions = 'Microsoft.Authorization/roleDefinitions'
var cosmosDataContributor = '00000000-0000-0000-0000-000000000002'

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

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = [
  for name in fileSystems: {
    parent: blobs
    name: name
  }
]

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' existing = {
  name: cosmosName
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hub.id, principalId, roles.eventHubsDataReceiver)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.eventHubsDataReceiver)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'The input of the job.'
  }
}

resource files 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (name, i) in fileSystems: {
    name: guid(containers[i].id, principalId, roles.storageBlobDataContributor)
    scope: containers[i]
    properties: {
      roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataContributor)
      principalId: principalId
      principalType: 'ServicePrincipal'
      description: 'Files of the job in ${name}.'
    }
  }
]

@batchSize(1)
resource writesDocuments 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = [
  for container in writtenContainers: {
    parent: cosmos
    name: guid(cosmos.id, principalId, container, cosmosDataContributor)
    properties: {
      roleDefinitionId: '${cosmos.id}/sqlRoleDefinitions/${cosmosDataContributor}'
      principalId: principalId
      scope: '${cosmos.id}/dbs/dev/colls/${container}'
    }
  }
]
