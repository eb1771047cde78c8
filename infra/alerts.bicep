// What wakes people up. docs/operating.md says for each what it means and what to do.
@description('Environment and token, as in the names of all resources.')
param suffix string

@description('Azure region of the log alerts.')
param location string

@description('Tags of every resource.')
param tags object

@description('Address that alerts are mailed to; empty for none.')
param email string

@description('Name of the Event Hubs namespace.')
param namespaceName string

@description('Name of the Cosmos DB account.')
param cosmosName string

@description('Name of the Application Insights resource.')
param insightsName string

@description('Name of the Stream Analytics job; empty for none.')
param jobName string

@description('Seconds that a consumer group may be behind its hub.')
@minValue(1)
param lagSeconds int

@description('Seconds that the output of the Stream Analytics job may be behind its input.')
@minValue(1)
param watermarkSeconds int

@description('Throttled requests in five minutes that Event Hubs, and Cosmos DB, may answer; the SDKs try them again.')
@minValue(0)
param throttledRequests int

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' existing = {
  name: namespaceName
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' existing = {
  name: cosmosName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'headrace'
    emailReceivers: empty(email) ? [] : [
      {
        name: 'mail'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

var metrics = [
  {
    name: 'throttled-requests'
    description: 'Event Hubs refuses requests: the throughput units are used up. Raise them, or their maximum.'
    severity: 2
    scope: namespace.id
    metric: 'ThrottledRequests'
    aggregation: 'Total'
    threshold: throttledRequests
    dimensions: []
  }
  {
    name: 'dead-letters'
    description: 'A stage refused something that it was sent. It is kept, and waits for a replay.'
    severity: 2
    scope: namespace.id
    metric: 'IncomingMessages'
    aggregation: 'Total'
    threshold: 0
    dimensions: [
      {
        name: 'EntityName'
        operator: 'Include'
        values: ['dead-letters']
      }
    ]
  }
  {
    name: 'cosmos-throttled'
    description: 'Cosmos DB answers 429: store_documents waits and falls behind. Raise the request units.'
    severity: 2
    scope: cosmos.id
    metric: 'TotalRequests'
    aggregation: 'Count'
    threshold: throttledRequests
    dimensions: [
      {
        name: 'StatusCode'
        operator: 'Include'
        values: ['429']
      }
    ]
  }
]

var jobMetrics = empty(jobName) ? [] : [
  {
    name: 'watermark-delay'
    description: 'The output of the Stream Analytics job falls behind: it has too few streaming units, or an output refuses it.'
    severity: 2
    metric: 'OutputWatermarkDelaySeconds'
    aggregation: 'Maximum'
    threshold: watermarkSeconds
  }
  {
    name: 'job-errors'
    description: 'The Stream Analytics job could not read or write an event: its log says which.'
    severity: 2
    metric: 'Errors'
    aggregation: 'Total'
    threshold: 0
  }
]

var queries = [
  {
    name: 'lag'
    description: 'A consumer group is behind its hub: a stage waits for a store, fails, or has too few instances.'
    severity: 1
    query: loadTextContent('queries/lag.kql')
    column: 'lag_seconds'
    aggregation: 'Maximum'
    threshold: lagSeconds
    dimensions: ['consumer_group', 'partition']
  }
  {
    name: 'silent'
    description: 'Records were sent to a hub, and a consumer group of it has not run since.'
    severity: 1
    query: loadTextContent('queries/silent.kql')
    column: 'waiting'
    aggregation: 'Total'
    threshold: 0
    dimensions: ['consumer_group']
  }
  {
    name: 'failed-executions'
    description: 'A function failed, and is tried again until what it depends on is back: its exception says what that is.'
    severity: 2
    query: loadTextContent('queries/failures.kql')
    column: 'failures'
    aggregation: 'Total'
    threshold: 0
    dimensions: ['function_name']
  }
]

resource metricAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in metrics: {
    name: '${alert.name}-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [alert.scope]
      evaluationFrequency: 'PT1M'
      windowSize: 'PT5M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: alert.name
            criterionType: 'StaticThresholdCriterion'
            metricName: alert.metric
            timeAggregation: alert.aggregation
            operator: 'GreaterThan'
            threshold: alert.threshold
            dimensions: alert.dimensions
          }
        ]
      }
      actions: [
        {
          actionGroupId: people.id
        }
      ]
    }
  }
]

resource jobAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in jobMetrics: {
    name: '${alert.name}-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [resourceId('Microsoft.StreamAnalytics/streamingjobs', jobName)]
      evaluationFrequency: 'PT1M'
      windowSize: 'PT5M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: alert.name
            criterionType: 'StaticThresholdCriterion'
            metricName: alert.metric
            timeAggregation: alert.aggregation
            operator: 'GreaterThan'
            threshold: alert.threshold
          }
        ]
      }
      actions: [
        {
          actionGroupId: people.id
        }
      ]
    }
  }
]

resource queryAlerts 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = [
  for alert in queries: {
    name: '${alert.name}-${suffix}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: '${alert.name}-${suffix}'
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [insights.id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      // The logs of a new environment have no rows yet.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: alert.query
            metricMeasureColumn: alert.column
            timeAggregation: alert.aggregation
            operator: 'GreaterThan'
            threshold: alert.threshold
            dimensions: map(alert.dimensions, dimension => {
              name: dimension
              operator: 'Include'
              values: ['*']
            })
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [people.id]
      }
    }
  }
]
