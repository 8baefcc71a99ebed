/** The part of npm aws-kcl 2.3.2 in use; the package ships no types. */
declare module 'aws-kcl' {
  export interface WireRecord {
    readonly data: string;
    readonly partitionKey: string;
    readonly sequenceNumber: string;
    readonly subSequenceNumber?: number | null;
    readonly approximateArrivalTimestamp?: number | null;
  }

  export interface WireCheckpointer {
    /** Parameterless when `sequenceNumber` is null. `error` is the simple name of KCL's Java exception. */
    checkpoint(sequenceNumber: string | null, callback: (error: string | null | undefined) => void): void;
  }

  export type Done = () => void;

  export interface WireProcessor {
    initialize(input: { shardId: string; sequenceNumber?: string | null; subSequenceNumber?: number | null }, done: Done): void;
    processRecords(
      input: { records: readonly WireRecord[]; millisBehindLatest?: number | null; checkpointer: WireCheckpointer },
      done: Done,
    ): void;
    leaseLost(input: object, done: Done): void;
    shardEnded(input: { checkpointer: WireCheckpointer }, done: Done): void;
    shutdownRequested(input: { checkpointer: WireCheckpointer }, done: Done): void;
  }

  export interface KclProcess {
    run(): void;
    cleanup(): void;
    /** aws-kcl calls `_reportError` on an unknown action and does not define it. */
    readonly _kclManager: { _reportError?: (message: string) => void };
  }

  export default function kcl(
    processor: WireProcessor,
    input: NodeJS.ReadableStream,
    output: NodeJS.WritableStream,
    error: NodeJS.WritableStream,
  ): KclProcess;
}
