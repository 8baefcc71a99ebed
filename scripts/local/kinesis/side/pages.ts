import { z } from 'zod';
import { setFaults } from '../faults/faults-document.ts';
import { type MetricQuery, type MetricResult, type Metrics, TooManyDatapoints } from '../metrics/metrics.ts';
import { type MetricName, metricUnits } from '../metrics/names.ts';
import { checked, InvalidInput } from './problems.ts';
import { NotHere, type Route, type SideCall } from './route.ts';

/** A year, the longest retention: no drill needs more time to pass at once. */
const maxAdvanceMs = 8_760 * 3_600_000;

const advanceSchema = z.strictObject({ advanceMs: z.int().min(1).max(maxAdvanceMs) });
const limitsSchema = z.strictObject({ limits: z.boolean() });
const noQuery = z.strictObject({});

const epochMs = z
  .string()
  .regex(/^\d{1,15}$/, 'epoch ms')
  .transform(Number)
  .optional();
const metricsQuery = z.strictObject({
  stream: z.string().optional(),
  shard: z.string().optional(),
  consumer: z.string().optional(),
  name: z.array(z.enum(Object.keys(metricUnits).sort() as [MetricName, ...MetricName[]])).optional(),
  from: epochMs,
  to: epochMs,
});

/** What lies below /_local/, but for the index that is made of it. */
export const pages: readonly Route[] = [
  {
    method: 'GET',
    path: 'metrics',
    what: 'CloudWatch metrics; without stream= the latest datapoint of each. Narrow down by stream, shard, consumer, name (repeatable), from and to (epoch ms)',
    example: "curl -s 'ENDPOINT/_local/metrics?stream=orders&name=IncomingBytes'",
    answer: metricsPage,
  },
  {
    method: 'GET',
    path: 'faults',
    what: 'the faults that are set, with what they considered and what they struck',
    example: 'curl -s ENDPOINT/_local/faults',
    answer: ({ service, query }) => {
      refuseQuery(query);
      return { seed: service.faults.seed, faults: service.faults.list() };
    },
  },
  {
    method: 'POST',
    path: 'faults',
    what: 'sets one fault or a list of them, all or none; their schema: docs/contracts/kinesis-faults.v1.json',
    example: `curl -s ENDPOINT/_local/faults -d '{"kind":"throttle","operations":["PutRecords"],"probability":0.25,"forMs":60000}'`,
    status: 201,
    answer: ({ service, query, json }) => {
      refuseQuery(query);
      return { ids: setFaults(service.faults, json()) };
    },
  },
  {
    method: 'DELETE',
    path: 'faults/*',
    what: 'removes one fault; its last counts are the answer',
    example: 'curl -s -X DELETE ENDPOINT/_local/faults/f1',
    answer: ({ service, query, id }) => {
      refuseQuery(query);
      const removed = service.faults.remove(id);
      if (removed.length === 0) throw new NotHere(`There is no fault ${id.slice(0, 100)}: GET /_local/faults lists those that are set.`);
      return { removed };
    },
  },
  {
    method: 'DELETE',
    path: 'faults',
    what: 'removes all faults',
    example: 'curl -s -X DELETE ENDPOINT/_local/faults',
    answer: ({ service, query }) => {
      refuseQuery(query);
      return { removed: service.faults.remove() };
    },
  },
  {
    method: 'GET',
    path: 'clock',
    what: "the server's time, epoch ms",
    example: 'curl -s ENDPOINT/_local/clock',
    answer: clockPage,
  },
  {
    method: 'POST',
    path: 'clock',
    what: 'moves the time on: iterators expire, records age, what is due happens at once',
    example: `curl -s ENDPOINT/_local/clock -d '{"advanceMs":86400000}'`,
    answer: (call) => {
      call.service.clock.advance(checked(advanceSchema, call.json()).advanceMs);
      return clockPage(call);
    },
  },
  {
    method: 'GET',
    path: 'limits',
    what: "whether AWS's limits are kept",
    example: 'curl -s ENDPOINT/_local/limits',
    answer: limitsPage,
  },
  {
    method: 'POST',
    path: 'limits',
    what: 'keeps them or not, from the next request on',
    example: `curl -s ENDPOINT/_local/limits -d '{"limits":false}'`,
    answer: (call) => {
      call.service.keepLimits(checked(limitsSchema, call.json()).limits);
      return limitsPage(call);
    },
  },
];

function metricsPage({ service, query }: SideCall): Readonly<Record<string, unknown>> {
  const given = { ...objectOf(query), ...(query.has('name') && { name: query.getAll('name') }) };
  const { stream, shard, consumer, name, from, to } = checked(metricsQuery, given);
  const { metrics, clock } = service;
  const latest = stream === undefined && from === undefined && to === undefined;
  const found = measured(metrics, { stream, shard, consumer, names: name, fromMs: from, toMs: to, latest });
  return { nowMs: clock.now(), periodMs: metrics.periodMs, metrics: found };
}

function measured(metrics: Metrics, query: MetricQuery): MetricResult[] {
  try {
    return metrics.query(query);
  } catch (error) {
    if (!(error instanceof TooManyDatapoints)) throw error;
    const expected = `less: ${error.message}; narrow it down by stream, shard, consumer, name, from or to`;
    throw new InvalidInput([{ path: '', value: 'the query', expected }]);
  }
}

function clockPage({ service, query }: SideCall): Readonly<Record<string, unknown>> {
  refuseQuery(query);
  return { nowMs: service.clock.now() };
}

function limitsPage({ service, query }: SideCall): Readonly<Record<string, unknown>> {
  refuseQuery(query);
  return { limits: service.limits };
}

function refuseQuery(query: URLSearchParams): void {
  checked(noQuery, objectOf(query));
}

function objectOf(query: URLSearchParams): Record<string, string | string[]> {
  return Object.fromEntries([...new Set(query.keys())].map((key) => [key, one(query.getAll(key))]));
}

const one = (values: string[]): string | string[] => (values.length === 1 ? (values[0] ?? '') : values);
