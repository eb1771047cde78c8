// The Stream Analytics job, as stream_analytics/ says; what it may do is in job_access.bicep. A running job cannot be changed: azure.yaml
// stops it before a deployment and starts it after, where its output ended.
@description('Name of the job.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Streaming units: 3 is a third of one V2 unit, 10 a whole one.')
@allowed([3, 7, 10, 20, 30, 40, 50, 60])
param streamingUnits int

@description('Name of the Event Hubs namespace.')
param namespaceName string

@description('Name of the Data Lake storage account.')
param dataLakeName string

@description('Name of the Cosmos DB account.')
param cosmosName string

@description('Name of the Log Analytics workspace that its errors go to.')
param workspaceName string

var template = loadTextContent('../../stream_analytics/job.json')
var job = json(replace(replace(replace(template, '<EventHubs>', namespaceName), '<DataLake>', dataLakeName), '<Cosmos>', cosmosName))

resource streaming 'Microsoft.StreamAnalytics/streamingjobs@2021-10-01-preview' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    sku: {
      name: 'StandardV2'
    }
    jobType: 'Cloud'
    contentStoragePolicy: 'SystemAccount'
    dataLocale: 'en-US'
    compatibilityLevel: job.compatibilityLevel
    eventsOutOfOrderPolicy: job.eventsOutOfOrderPolicy
    eventsOutOfOrderMaxDelayInSeconds: job.eventsOutOfOrderMaxDelayInSeconds
    eventsLateArrivalMaxDelayInSeconds: job.eventsLateArrivalMaxDelayInSeconds
    outputErrorPolicy: job.outputErrorPolicy
    inputs: job.inputs
    outputs: job.outputs
    transformation: {
      name: 'job'
      properties: {
        streamingUnits: streamingUnits
        query: loadTextContent('../../stream_analytics/job.asaql')
      }
    }
  }
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: streaming
  properties: {
    workspaceId: workspace.id
    logs: [
      {
        category: 'Execution'
        enabled: true
      }
    ]
  }
}

output name string = streaming.name
output principalId string = streaming.identity.principalId
