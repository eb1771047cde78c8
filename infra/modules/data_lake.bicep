// The Data Lake: what the chain stores, what it refused, what the Stream Analytics job writes and looks up, and what Capture
// keeps.
@description('Name of the storage account.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Redundancy, such as Standard_LRS or Standard_ZRS.')
param sku string

@description('Refuse what does not come through a private endpoint, trusted Azure services aside.')
param closed bool

var fileSystems = ['events', 'dead-letters', 'stream', 'reference', 'capture']

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    isHnsEnabled: true
    accessTier: 'Hot'
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    supportsHttpsTrafficOnly: true
    minimumTlsVersion: 'TLS1_2'
    networkAcls: {
      defaultAction: closed ? 'Deny' : 'Allow'
      // Capture and Stream Analytics come as trusted services, by their identities.
      bypass: 'AzureServices'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = [
  for fileSystem in fileSystems: {
    parent: blobs
    name: fileSystem
  }
]

output name string = account.name
output serviceUri string = account.properties.primaryEndpoints.dfs
output blobUri string = account.properties.primaryEndpoints.blob
