/**
 * Metrics of the namespace AWS/Kinesis with their units. A datapoint exists for a period in which something was measured: a
 * zero says that the operation took place and counted nothing, a missing datapoint that it did not take place.
 * Source: Kinesis developer guide, "Monitor the service with Amazon CloudWatch".
 */
export const streamMetrics = {
  IncomingBytes: 'Bytes',
  IncomingRecords: 'Count',
  'GetRecords.Bytes': 'Bytes',
  'GetRecords.IteratorAgeMilliseconds': 'Milliseconds',
  'GetRecords.Latency': 'Milliseconds',
  'GetRecords.Records': 'Count',
  'GetRecords.Success': 'Count',
  'PutRecord.Bytes': 'Bytes',
  'PutRecord.Latency': 'Milliseconds',
  'PutRecord.Success': 'Count',
  'PutRecords.Bytes': 'Bytes',
  'PutRecords.FailedRecords': 'Count',
  'PutRecords.Latency': 'Milliseconds',
  'PutRecords.Success': 'Count',
  'PutRecords.SuccessfulRecords': 'Count',
  'PutRecords.ThrottledRecords': 'Count',
  'PutRecords.TotalRecords': 'Count',
  ReadProvisionedThroughputExceeded: 'Count',
  WriteProvisionedThroughputExceeded: 'Count',
} as const;

export const shardMetrics = {
  IncomingBytes: 'Bytes',
  IncomingRecords: 'Count',
  IteratorAgeMilliseconds: 'Milliseconds',
  OutgoingBytes: 'Bytes',
  OutgoingRecords: 'Count',
  ReadProvisionedThroughputExceeded: 'Count',
  WriteProvisionedThroughputExceeded: 'Count',
} as const;

export const consumerMetrics = {
  'SubscribeToShard.RateExceeded': 'Count',
  'SubscribeToShard.Success': 'Count',
  'SubscribeToShardEvent.Bytes': 'Bytes',
  'SubscribeToShardEvent.MillisBehindLatest': 'Milliseconds',
  'SubscribeToShardEvent.Records': 'Count',
  'SubscribeToShardEvent.Success': 'Count',
} as const;

export const metricUnits = { ...streamMetrics, ...shardMetrics, ...consumerMetrics } as const;
export type MetricName = keyof typeof metricUnits;
export type Unit = (typeof metricUnits)[MetricName];
