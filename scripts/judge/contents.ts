import { isDeepStrictEqual } from 'node:util';
import type { CanonicalEvent } from '../generate/canonical.ts';
import { type Evidence, type Failures, groupBy } from './evidence.ts';
import type { LabelledPosition } from './source-positions.ts';

/** The events that must come out behind the router, as the generator made them. */
export function expectedEvents(positions: readonly LabelledPosition[]): Map<string, CanonicalEvent> {
  const events = new Map<string, CanonicalEvent>();
  for (const { label } of positions) if (label.expect === 'routed' && label.event) events.set(label.event.eventId, label.event);
  return events;
}

/** No event may be altered on its way, and no two changes may pass for one event. */
export function judgeContents(evidence: Evidence, positions: readonly LabelledPosition[], failures: Failures): void {
  const expected = expectedEvents(positions);
  for (const { records } of evidence.routed) {
    for (const { event } of records) {
      const { extra: _extra, traceparent: _traceparent, ...canonical } = event;
      const made = expected.get(event.eventId);
      if (made !== undefined && !isDeepStrictEqual(canonical, made)) {
        failures.add('routed event differs from what was sent', `event ${event.eventId}`);
      }
    }
  }
  const routed = positions.filter(({ label }) => label.expect === 'routed');
  for (const [eventId, same] of groupBy(routed, ({ label }) => label.eventIds[0] ?? '')) {
    // A duplicate is sent byte for byte: other bytes are another change.
    if (new Set(same.map(({ sha256 }) => sha256)).size > 1) failures.add('one event id, different bytes', `event ${eventId}`);
  }
}
