import assert from 'node:assert/strict';
import type { Fault } from '../../../../../scripts/local/kinesis/faults/fault-schema.ts';
import type { ListedFault } from '../../../../../scripts/local/kinesis/faults/installed-fault.ts';
import type { MetricResult } from '../../../../../scripts/local/kinesis/metrics/metrics.ts';

export interface SideAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** The side endpoint as curl and fetch use it, over HTTP/1.1. */
export class SideClient {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  async call(method: string, path: string, body?: unknown): Promise<SideAnswer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await fetch(`${this.#endpoint}/_local/${path}`, { method, ...(body !== undefined && { body: text }) });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
  }

  async set(...faults: readonly Fault[]): Promise<string[]> {
    const { status, body } = await this.call('POST', 'faults', faults);
    assert.equal(status, 201, JSON.stringify(body));
    return body['ids'] as string[];
  }

  async faults(): Promise<ListedFault[]> {
    return (await this.call('GET', 'faults')).body['faults'] as ListedFault[];
  }

  /** [considered, applied] of each fault, in the order they were set. */
  async counts(): Promise<[number, number][]> {
    return (await this.faults()).map(({ considered, applied }) => [considered, applied]);
  }

  async clear(): Promise<void> {
    assert.equal((await this.call('DELETE', 'faults')).status, 200);
  }

  async metrics(query: string): Promise<MetricResult[]> {
    const { status, body } = await this.call('GET', `metrics?${query}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body['metrics'] as MetricResult[];
  }
}

/** Below mocha's own 2 s: asking on behind a test that has failed would keep its process from ending. */
const patienceMs = 1_500;

/** Asks until it holds. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not so within ${patienceMs} ms: ${String(holds)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
