import type { KinesisClientConfig } from '@aws-sdk/client-kinesis';
import type { Capability, Differences } from './check.ts';

/** The two transports of the AWS SDK: its own default for Kinesis (HTTP/2), and HTTP/1.1. */
export const transports = ['http2', 'http1'] as const;
export type Transport = (typeof transports)[number];

export interface Budget {
  /** Streams that exist at one time. */
  readonly streams: number;
  /** Streams made over the whole run, and the shards they are made with. */
  readonly createdStreams: number;
  readonly createdShards: number;
  /** Records put over the whole run. */
  readonly records: number;
}

/** A Kinesis that the suite runs against. */
export interface Target {
  readonly name: string;
  readonly transport: Transport;
  readonly client: KinesisClientConfig;
  readonly capabilities: readonly Capability[];
  readonly differences: Differences;
  readonly budget: Budget;
  /** How long a state may take to come about. */
  readonly patienceMs: number;
  /** How long one check may take. */
  readonly checkMs: number;
  /** The target's time, epoch ms. */
  now(): number;
  /** Lets time pass between two looks at a state; a target that is quick may make it short. */
  pause(ms: number): Promise<void>;
  /** Lets so much of the target's time pass: one with a clock moves it instead of waiting. */
  rest(ms: number): Promise<void>;
  /** Moves the clock; only with the capability. */
  pass(ms: number): void;
  stop(): Promise<void>;
}
