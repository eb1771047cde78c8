// The Event Hubs namespace, with the identity that Capture writes as. Its hubs are in hubs.bicep: Capture can be set up only
// once that identity may write to the container (capture_access.bicep).
@description('Name of the namespace.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Throughput units to begin with: each takes 1 MB/s or 1,000 events/s in. Every hub of the chain spends them anew.')
@minValue(1)
@maxValue(40)
param throughputUnits int

@description('Throughput units that auto-inflate may go up to. It never goes down again.')
@minValue(1)
@maxValue(40)
param maximumThroughputUnits int

@description('Refuse what does not come through a private endpoint, trusted Azure services aside.')
param closed bool

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    // The lowest tier that speaks Kafka and captures.
    name: 'Standard'
    tier: 'Standard'
    capacity: throughputUnits
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    kafkaEnabled: true
    isAutoInflateEnabled: true
    maximumThroughputUnits: max(throughputUnits, maximumThroughputUnits)
    publicNetworkAccess: closed ? 'Disabled' : 'Enabled'
  }
}

resource rules 'Microsoft.EventHub/namespaces/networkRuleSets@2024-01-01' = {
  parent: namespace
  name: 'default'
  properties: {
    publicNetworkAccess: closed ? 'Disabled' : 'Enabled'
    defaultAction: closed ? 'Deny' : 'Allow'
    // Stream Analytics reads as one.
    trustedServiceAccessEnabled: true
  }
}

output name string = namespace.name
output principalId string = namespace.identity.principalId
output fullyQualifiedNamespace string = split(split(namespace.properties.serviceBusEndpoint, '//')[1], ':')[0]
