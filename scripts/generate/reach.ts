import { DescribeStreamSummaryCommand, type KinesisClient } from '@aws-sdk/client-kinesis';

/** The client tries several times within it. */
const answerWithinMs = 5_000;

/** Asks for the stream once, so that a wrong endpoint or name is told at once. Rejects with what to tell; resolves when `signal` aborts. */
export async function assertReachable(kinesis: KinesisClient, streamName: string, endpoint: string, signal: AbortSignal): Promise<void> {
  const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
  try {
    await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: streamName }), { abortSignal });
  } catch (error) {
    if (signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    const told = wasAnswered(error)
      ? `${endpoint} answers, but not for the stream ${streamName}: ${reason}`
      : `no answer from ${endpoint}: ${abortSignal.aborted ? 'it took too long' : reason}`;
    throw new Error(told, { cause: error });
  }
}

/** The SDK notes the response, or its status, on an error that came with one. */
function wasAnswered(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $response, $metadata } = error as Error & { $response?: unknown; $metadata?: { httpStatusCode?: number } };
  return $response !== undefined || $metadata?.httpStatusCode !== undefined;
}
