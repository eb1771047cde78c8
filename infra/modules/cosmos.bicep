// Cosmos DB for NoSQL: the database dev with the chain's documents and what the Stream Analytics job writes.
@description('Name of the account.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Request units a second that each container scales up to, from a tenth of it.')
@minValue(1000)
param maxThroughput int

@description('Seconds that a document lives; -1 keeps it. A document that the Stream Analytics job writes may say itself (field ttl).')
param documentTtlSeconds int

@description('Spread the account over the zones of the region.')
param zoneRedundant bool

@description('Refuse what does not come through a private endpoint.')
param closed bool

@description('The Stream Analytics job writes here. It is no trusted service of Cosmos DB: a closed account stays open to addresses of Azure for it.')
param streamAnalytics bool

// Each path that is indexed costs request units at every write: the file has what people ask for. Add what you query or
// order by, and it is indexed in place; the laptop's account reads the same file.
var declared = loadJsonContent('../cosmos.json')
var containers = declared.containers

resource account 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    consistencyPolicy: {
      defaultConsistencyLevel: 'Session'
    }
    locations: [
      {
        locationName: location
        failoverPriority: 0
        isZoneRedundant: zoneRedundant
      }
    ]
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: 'Continuous7Days'
      }
    }
    publicNetworkAccess: closed && !streamAnalytics ? 'Disabled' : 'Enabled'
    // 0.0.0.0 stands for the addresses of Azure.
    ipRules: closed && streamAnalytics ? [
      {
        ipAddressOrRange: '0.0.0.0'
      }
    ] : []
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2024-11-15' = {
  parent: account
  name: declared.database
  properties: {
    resource: {
      id: declared.database
    }
  }
}

resource collections 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2024-11-15' = [
  for container in containers: {
    parent: database
    name: container.id
    properties: {
      resource: union(container, {
        defaultTtl: documentTtlSeconds
      })
      options: {
        autoscaleSettings: {
          maxThroughput: maxThroughput
        }
      }
    }
  }
]

output name string = account.name
output endpoint string = account.properties.documentEndpoint
