/** One period of one metric, with CloudWatch's statistics. */
export interface Datapoint {
  /** Epoch ms at which the period began. */
  readonly timestampMs: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly sampleCount: number;
  readonly average: number;
}

/** Layout of one period: start (epoch ms), sum, minimum, maximum, number of samples. */
const fields = 5;
const firstPeriods = 8;

/** The latest periods in which one metric was measured, at most `maxPeriods`: 40 bytes each. */
export class Series {
  readonly #maxPeriods: number;
  #points: Float64Array;
  /** Oldest period, and how many there are; they wrap around once there are `maxPeriods`. */
  #first = 0;
  #count = 0;
  #at = 0;
  #startMs = Number.NEGATIVE_INFINITY;

  constructor(maxPeriods: number) {
    this.#maxPeriods = maxPeriods;
    this.#points = new Float64Array(Math.min(firstPeriods, maxPeriods) * fields);
  }

  /** Start of the latest period, -Infinity when there is none. */
  get latestMs(): number {
    return this.#startMs;
  }

  /** One sample. After the clock was set back it counts for the latest period, so that periods stay in order. */
  add(startMs: number, value: number): void {
    if (startMs > this.#startMs) this.#roll(startMs);
    const at = this.#at;
    const points = this.#points;
    points[at + 1] = (points[at + 1] as number) + value;
    if (value < (points[at + 2] as number)) points[at + 2] = value;
    if (value > (points[at + 3] as number)) points[at + 3] = value;
    points[at + 4] = (points[at + 4] as number) + 1;
  }

  /** Those with from ≤ timestamp < to, oldest first. */
  datapoints(fromMs: number, toMs: number): Datapoint[] {
    const found: Datapoint[] = [];
    const capacity = this.#points.length / fields;
    for (let i = 0; i < this.#count; i++) {
      const at = ((this.#first + i) % capacity) * fields;
      const [timestampMs, sum, minimum, maximum, sampleCount] = this.#points.subarray(at, at + fields) as unknown as Five;
      if (timestampMs < fromMs || timestampMs >= toMs) continue;
      found.push({ timestampMs, sum, minimum, maximum, sampleCount, average: sum / sampleCount });
    }
    return found;
  }

  #roll(startMs: number): void {
    const capacity = this.#points.length / fields;
    if (this.#count === capacity && capacity < this.#maxPeriods) {
      const larger = new Float64Array(Math.min(capacity * 2, this.#maxPeriods) * fields);
      larger.set(this.#points); // not wrapped yet: that begins at maxPeriods
      this.#points = larger;
    } else if (this.#count === this.#maxPeriods) {
      this.#first = (this.#first + 1) % this.#maxPeriods;
      this.#count -= 1;
    }
    this.#at = ((this.#first + this.#count) % (this.#points.length / fields)) * fields;
    this.#count += 1;
    this.#startMs = startMs;
    this.#points.set([startMs, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0], this.#at);
  }
}

type Five = [number, number, number, number, number];
