import { type Evidence, type Failures, type HourlyMeasure, type HourlyRow, hourlyMeasures, type WarehouseEvent } from './evidence.ts';

const hourMs = 3_600_000;

/** Figures per hour are those of the events that the warehouse holds, each once, on the business days of UTC. */
export function judgeHourly({ warehouseRows, hourly }: Pick<Evidence, 'warehouseRows' | 'hourly'>, failures: Failures): void {
  const expected = recounted(warehouseRows);
  const seen = new Set<string>();
  for (const { key, measures } of hourly) {
    if (seen.has(key)) failures.add('two rows of kpi_hourly for the same hour and things', key);
    seen.add(key);
    const wanted = expected.get(key);
    if (wanted === undefined) failures.add('kpi_hourly counts what is not among the events', key);
    else {
      const wrong = hourlyMeasures.filter((name) => BigInt(measures[name]) !== wanted[name]);
      if (wrong.length > 0)
        failures.add('kpi_hourly differs from a recount of the events', `${key}: ${wrong.map(said(measures, wanted)).join(', ')}`);
    }
  }
  for (const key of expected.keys()) if (!seen.has(key)) failures.add('not in kpi_hourly, but among the events', key);
}

type Counts = Record<HourlyMeasure, bigint>;

const said =
  (measures: HourlyRow['measures'], wanted: Counts) =>
  (name: HourlyMeasure): string =>
    `${name} ${measures[name]}, must be ${wanted[name]}`;

function recounted(events: readonly WarehouseEvent[]): Map<string, Counts> {
  const hours = new Map<string, Counts>();
  for (const event of new Map(events.map((event) => [event.eventId, event])).values()) {
    const key = keyOf(event);
    const counts = hours.get(key) ?? (Object.fromEntries(hourlyMeasures.map((name) => [name, 0n])) as Counts);
    hours.set(key, counts);
    const { type } = event;
    if (type === 'reserved' || type === 'cancelled' || type === 'changed' || type === 'expired') counts[type] += 1n;
    if (type === 'reserved' || type === 'cancelled') {
      counts[`seats_${type}`] += BigInt(event.seats);
      counts[`amount_${type}_minor`] += BigInt(event.amountMinor);
    }
  }
  return hours;
}

function keyOf({ occurredAt, tourId, channel, currency }: WarehouseEvent): string {
  const hour = Math.floor(occurredAt / hourMs) * hourMs;
  return [hour, new Date(occurredAt).toISOString().slice(0, 10), tourId, channel, currency].join('|');
}
