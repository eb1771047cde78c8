// One hub with its consumer groups, and Capture where it has one.
@description('Name of the Event Hubs namespace.')
param namespaceName string

@description('Name of the hub.')
param name string

@description('Number of partitions.')
param partitions int

@description('Hours that events stay on the hub.')
param retentionHours int

@description('Names of the consumer groups: one for each function that reads the hub, and those of others.')
param consumerGroups string[]

@description('What capture.json says of the hub; an empty object captures nothing.')
param capture object

@description('Resource id of the storage account that Capture writes to.')
param captureAccountId string

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' existing = {
  name: namespaceName
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: namespace
  name: name
  properties: {
    partitionCount: partitions
    retentionDescription: {
      cleanupPolicy: 'Delete'
      retentionTimeInHours: retentionHours
    }
    captureDescription: empty(capture) ? null : union(capture, {
      destination: {
        identity: {
          type: 'SystemAssigned'
        }
        properties: {
          storageAccountResourceId: captureAccountId
        }
      }
    })
  }
}

// One after the other: the namespace refuses changes to one hub at the same time.
@batchSize(1)
resource groups 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = [
  for group in consumerGroups: {
    parent: hub
    name: group
  }
]
