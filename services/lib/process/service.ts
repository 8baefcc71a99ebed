import type { ConfigShape } from './config.ts';

/** A Kinesis stream as the services see it. Sizes per stage live in infra; the local stack uses `localShards`. */
export interface StreamDefinition {
  readonly name: string;
  readonly summary: string;
  readonly localShards: number;
  readonly retentionHours: number;
}

export interface KeyAttribute {
  readonly name: string;
  readonly type: 'S' | 'N';
}

/** A DynamoDB table (on-demand). `name` is the local name; a stage passes its own through `configKey`. */
export interface TableDefinition {
  readonly name: string;
  readonly configKey: string;
  readonly summary: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
  /** Sparse index, all attributes projected. */
  readonly indexes?: readonly { readonly name: string; readonly partitionKey: KeyAttribute; readonly sortKey?: KeyAttribute }[];
  readonly ttlAttribute?: string;
}

export interface TopicDefinition {
  readonly name: string;
  readonly configKey: string;
  readonly summary: string;
}

/** A Lambda's subscription. A message is delivered when each attribute of the policy has one of the values, exactly. */
export interface TopicSubscription {
  readonly topic: TopicDefinition;
  readonly filterPolicy: Readonly<Record<string, readonly string[]>>;
}

/** How Lambda runs a function, and what becomes of an event on which it fails. */
export interface LambdaSettings {
  readonly timeoutSeconds: number;
  /** Reserved concurrency. */
  readonly concurrency: number;
  /** After a function error; Lambda allows 0 to 2, and waits 1 and 2 minutes. Then the event goes to the function's dead-letter queue. */
  readonly retryAttempts: 0 | 1 | 2;
  /** How long an event may wait for the function, at most 21,600; then it goes to the dead-letter queue too. */
  readonly maxEventAgeSeconds: number;
}

/** What a KCL consumer reads. */
export interface Consumption {
  readonly stream: StreamDefinition;
  /** Environment variable that carries the stream's name. */
  readonly streamConfigKey: string;
  /** KCL application: the name of its lease table and the scope of its state. */
  readonly application: string;
  /** Pause between two GetRecords of one shard (ms). All readers of a shard share 5 calls/s. */
  readonly idleTimeBetweenReadsMs: number;
  readonly maxRecords: number;
}

/**
 * A service's whole interface: what infra and the local stack read of it, and nothing else.
 * Everything the service may touch is named here.
 */
export interface ServiceDefinition<S extends ConfigShape = ConfigShape> {
  readonly name: string;
  readonly summary: string;
  readonly runtime: 'kcl-consumer' | 'task' | 'lambda';
  readonly config: S;
  readonly consumes?: Consumption;
  readonly produces: readonly { readonly stream: StreamDefinition; readonly configKey: string }[];
  readonly subscribes?: readonly TopicSubscription[];
  readonly tables: readonly TableDefinition[];
  /** Tables of another service that it reads on the side: it starts without them, and never writes. */
  readonly readsTables?: readonly TableDefinition[];
  readonly topics: readonly TopicDefinition[];
  readonly objects: readonly { readonly prefix: string; readonly access: 'read' | 'write' | 'readwrite' }[];
  /** IAM actions beyond what streams, tables, topics and objects imply. */
  readonly actions: readonly string[];
  /** Fargate units: vCPU × 1024 and MiB. A Lambda's share of a CPU follows its memory. */
  readonly size: { readonly cpu?: number; readonly memoryMiB: number };
  /** Of runtime `lambda` alone. */
  readonly lambda?: LambdaSettings;
}

export function defineService<S extends ConfigShape>(definition: ServiceDefinition<S>): ServiceDefinition<S> {
  return definition;
}
