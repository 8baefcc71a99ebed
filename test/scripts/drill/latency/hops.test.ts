import assert from 'node:assert/strict';
import { hopsOf, hopTable } from '../../../../scripts/drill/latency/hops.ts';
import { joined } from '../../../../scripts/drill/latency/journeys.ts';
import type { StoredAlert } from '../../../../services/lib/alerts/stored-alert.ts';

const journey = (changeArrivedAt: number, router: number, detector: number, store: number) => ({
  changeArrivedAt,
  eventArrivedAt: changeArrivedAt + router,
  raisedAt: changeArrivedAt + router + detector,
  publishedAt: changeArrivedAt + router + detector + store,
});

describe('hops of an alert', () => {
  it('are each of their own length, and the whole way their sum', () => {
    const hops = hopsOf([journey(1_000, 100, 200, 20), journey(5_000, 300, 200, 60)]);
    assert.deepEqual(
      hops.map(({ ms }) => [ms.p50, ms.p99]),
      [
        [100, 300],
        [200, 200],
        [20, 60],
        [320, 560],
      ],
    );
    const shares = hops.map(({ share }) => Math.round(share * 100));
    assert.deepEqual(shares, [45, 45, 9, 100]);
  });

  it('are shown one a line, also when there is none', () => {
    assert.match(
      hopTable(hopsOf([journey(0, 1_100, 200, 20)])),
      /booking-changes → booking-events\s+1,100 ms\s+1,100 ms\s+1,100 ms\s+83 %\n/,
    );
    assert.equal(hopTable(hopsOf([])).split('\n').length, 6);
  });
});

describe('the way of an alert', () => {
  const stored = { alert: { alertId: 'a', triggeredBy: 'e' }, raisedAt: 30, arrivedAt: 20 } as StoredAlert;

  it('is put together from the stream, the store and the subscriber', () => {
    const found = joined([stored], new Map([['e', 10]]), new Map([['a', 40]]));
    assert.deepEqual(found, [{ changeArrivedAt: 10, eventArrivedAt: 20, raisedAt: 30, publishedAt: 40 }]);
  });

  it('is no sample when a part of it is missing', () => {
    assert.deepEqual(joined([stored], new Map(), new Map([['a', 40]])), []);
    assert.deepEqual(joined([stored], new Map([['e', 10]]), new Map()), []);
  });
});
