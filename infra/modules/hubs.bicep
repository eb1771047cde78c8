// The hubs, their consumer groups and Capture, as eventhubs.json and capture.json say.
@description('Name of the Event Hubs namespace.')
param namespaceName string

@description('Partitions of every hub: a key meets itself on the next hub only if all have as many. It cannot be changed in place.')
@minValue(1)
@maxValue(32)
param partitions int

@description('Hours that events stay on a hub.')
@minValue(1)
@maxValue(168)
param retentionHours int

@description('Name of the storage account that Capture writes to.')
param captureAccountName string

var hubs = loadJsonContent('../eventhubs.json').UserConfig.NamespaceConfig[0].Entities
var captures = loadJsonContent('../capture.json')

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: captureAccountName
}

module hub 'hub.bicep' = [
  for entity in hubs: {
    name: 'hub-${entity.Name}'
    params: {
      namespaceName: namespaceName
      name: entity.Name
      partitions: partitions
      retentionHours: retentionHours
      consumerGroups: map(entity.ConsumerGroups, group => group.Name)
      capture: captures[?entity.Name] ?? {}
      captureAccountId: account.id
    }
  }
]

output namespaceName string = namespaceName
