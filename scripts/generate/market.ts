import { createRandom, type Random, weighted } from './random.ts';

/**
 * What is sold, to whom and at what price. Shares, prices and lead times follow "Hotel booking demand"
 * (Antonio, Almeida, Nunes, Data in Brief 22, 2019, doi 10.1016/j.dib.2018.11.126), 119,390 bookings.
 */
export interface Tour {
  readonly tourId: string;
  readonly nights: number;
  readonly centsPerSeatNight: number; // in EUR cents
  readonly pickup: string;
}

export interface Sale {
  readonly tour: Tour;
  readonly seats: number;
  readonly amountMinor: number;
  readonly currency: string;
  readonly channel: string;
  readonly leadDays: number;
}

const tourCount = 400;
const pickups = [
  'Lisboa, Praça do Comércio',
  'Porto, São Bento',
  'Sevilla, Plaza Nueva',
  'København, Nyhavn',
  'Kraków, Rynek',
  'Αθήνα, Σύνταγμα',
];

/** Share and probability of cancellation per channel (market segment of the data set). */
const channels = [
  { name: 'online-agency', share: 0.473, cancelled: 0.3672 },
  { name: 'tour-operator', share: 0.203, cancelled: 0.3432 },
  { name: 'group', share: 0.166, cancelled: 0.6106 },
  { name: 'web', share: 0.106, cancelled: 0.1534 },
  { name: 'corporate', share: 0.044, cancelled: 0.1873 },
  { name: 'complementary', share: 0.008, cancelled: 0.1306 },
] as const;

/** Minor units per EUR cent: exchange rate and the currency's own exponent (JPY has none, ISO 4217). */
const currencies = [
  { code: 'EUR', share: 0.72, minorPerCent: 1 },
  { code: 'GBP', share: 0.14, minorPerCent: 0.85 },
  { code: 'USD', share: 0.08, minorPerCent: 1.1 },
  { code: 'CHF', share: 0.04, minorPerCent: 0.95 },
  { code: 'JPY', share: 0.02, minorPerCent: 1.6 },
] as const;

/** Days from booking to departure: [from, to, share %]. */
const leadTimes = [
  [0, 0, 5.3],
  [1, 1, 2.9],
  [2, 7, 8.3],
  [8, 30, 15.9],
  [31, 90, 24.8],
  [91, 180, 22.2],
  [181, 365, 18.1],
  [366, 737, 2.6],
] as const;

/** Of 100 bookings; two adults are the rule. */
const partySizes = [
  [1, 19],
  [2, 75],
  [3, 4],
  [4, 1.5],
  [12, 0.5],
] as const;

const pickChannel = weighted(channels.map((c) => [c, c.share] as const));
/** A cancellation comes from a channel in proportion to its bookings and how many of them are cancelled. */
const pickCancelledChannel = weighted(channels.map((c) => [c, c.share * c.cancelled] as const));
const pickCurrency = weighted(currencies.map((c) => [c, c.share] as const));
const pickLead = weighted(leadTimes.map((l) => [l, l[2]] as const));
const pickParty = weighted(partySizes);

export interface Market {
  sale(random: Random, what: 'booking' | 'cancelled booking'): Sale;
}

export function createMarket(seed: number): Market {
  const random = createRandom(seed, 'market');
  // Price per seat and night: median 94.6, 90th percentile 164, as a log-normal.
  const tours = Array.from(
    { length: tourCount },
    (_, i): Tour => ({
      tourId: `tour-${String(i + 1).padStart(4, '0')}`,
      nights: Math.min(14, Math.max(1, Math.round(3 * Math.exp(0.66 * random.normal())))), // median 3, 90th percentile 7
      centsPerSeatNight: Math.round(9_460 * Math.exp(0.43 * random.normal())),
      pickup: random.pick(pickups),
    }),
  );
  const pickTour = weighted(tours.map((tour, rank) => [tour, 1 / (rank + 1)] as const)); // Zipf: few tours sell most
  return {
    sale(from, what) {
      const tour = pickTour(from);
      const seats = pickParty(from);
      const currency = pickCurrency(from);
      const lead = pickLead(from);
      const channel = what === 'booking' ? pickChannel(from) : pickCancelledChannel(from);
      return {
        tour,
        seats,
        amountMinor:
          channel.name === 'complementary' ? 0 : Math.round(tour.centsPerSeatNight * tour.nights * seats * currency.minorPerCent),
        currency: currency.code,
        channel: channel.name,
        leadDays: from.integer(lead[0], lead[1]),
      };
    },
  };
}
