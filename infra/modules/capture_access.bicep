// What Capture takes: its identity writes the captured files, and who sets it up may write there, too, which Event Hubs looks
// after at every change of a hub that is captured:
// https://learn.microsoft.com/azure/event-hubs/event-hubs-capture-overview#azure-storage-account-as-a-destination
@description('Object id of the identity that Capture writes as: the Event Hubs namespace.')
param principalId string

@description('Name of the Data Lake storage account.')
param dataLakeName string

var writtenFileSystem = 'capture'
var roles = {
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}
var definitions = 'Microsoft.Authorization/roleDefinitions'

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

resource writesFiles 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(fileSystem.id, principalId, roles.storageBlobDataContributor)
  scope: fileSystem
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Capture.'
  }
}

// The role is asked for on the account, not on the container.
resource deploys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(dataLake.id, deployer().objectId, roles.storageBlobDataContributor)
  scope: dataLake
  properties: {
    roleDefinitionId: subscriptionResourceId(definitions, roles.storageBlobDataContributor)
    principalId: deployer().objectId
    description: 'Who deploys, which sets up Capture, and uploads the reference data of the job.'
  }
}
