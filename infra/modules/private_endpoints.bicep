// Private endpoints for the hubs and stores, with the names by which the virtual network finds them.
@description('Name of the virtual network, which has a subnet endpoints.')
param networkName string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the Event Hubs namespace.')
param namespaceName string

@description('Name of the storage account of the Functions host.')
param hostStorageName string

@description('Name of the Data Lake storage account.')
param dataLakeName string

@description('Name of the Cosmos DB account.')
param cosmosName string

var hubsZone = 'privatelink.servicebus.windows.net'
var blobZone = 'privatelink.blob.${environment().suffixes.storage}'
var dfsZone = 'privatelink.dfs.${environment().suffixes.storage}'
var cosmosZone = 'privatelink.documents.azure.com'
var zoneNames = [hubsZone, blobZone, dfsZone, cosmosZone]
var endpoints = [
  {
    name: 'hubs'
    serviceId: resourceId('Microsoft.EventHub/namespaces', namespaceName)
    group: 'namespace'
    zone: hubsZone
  }
  {
    name: 'host'
    serviceId: resourceId('Microsoft.Storage/storageAccounts', hostStorageName)
    group: 'blob'
    zone: blobZone
  }
  {
    name: 'lake-blob'
    serviceId: resourceId('Microsoft.Storage/storageAccounts', dataLakeName)
    group: 'blob'
    zone: blobZone
  }
  {
    name: 'lake-dfs'
    serviceId: resourceId('Microsoft.Storage/storageAccounts', dataLakeName)
    group: 'dfs'
    zone: dfsZone
  }
  {
    name: 'cosmos'
    serviceId: resourceId('Microsoft.DocumentDB/databaseAccounts', cosmosName)
    group: 'Sql'
    zone: cosmosZone
  }
]

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' existing = {
  name: networkName
}

resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [
  for zone in zoneNames: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [
  for (zone, i) in zoneNames: {
    parent: zones[i]
    name: networkName
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for endpoint in endpoints: {
    name: 'pe-${endpoint.name}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: '${network.id}/subnets/endpoints'
      }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: {
            privateLinkServiceId: endpoint.serviceId
            groupIds: [endpoint.group]
          }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (endpoint, i) in endpoints: {
    parent: privateEndpoints[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: endpoint.group
          properties: {
            privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', endpoint.zone)
          }
        }
      ]
    }
    dependsOn: [links]
  }
]
