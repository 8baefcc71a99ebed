import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import { decodeBookingEvent } from '../../services/lib/events/booking-event-codec.ts';
import { type Line, maxLineBytes } from './lines.ts';

/** Lines of one reason that are no event, with the first of them as an example. */
export interface BadLines {
  readonly reason: string;
  count: number;
  readonly firstLine: number;
  readonly error: string;
}

/** Takes the events from lines, and counts the lines that are none. */
export class EventLines {
  /** Blank lines are no lines. */
  lines = 0;
  events = 0;
  readonly #bad = new Map<string, BadLines>();
  #number = 0;
  #changeRecords = 0;

  /** Undefined for a line that is no event. */
  read(line: Line): BookingEvent | undefined {
    this.#number++;
    if (line.kind === 'too-long') {
      this.lines++;
      return this.#isBad('line-too-long', `longer than ${maxLineBytes} bytes`);
    }
    if (isBlank(line.data)) return undefined;
    this.lines++;
    const outcome = decodeBookingEvent(line.data, undefined, Number.POSITIVE_INFINITY);
    if (outcome.kind === 'ok') {
      this.events++;
      return outcome.value;
    }
    if (looksLikeChangeRecord(line.data)) this.#changeRecords++;
    return this.#isBad(outcome.reason, outcome.kind === 'deadLetter' ? outcome.error : outcome.reason);
  }

  /** Most first. */
  get bad(): readonly Readonly<BadLines>[] {
    return [...this.#bad.values()].sort((a, b) => b.count - a.count);
  }

  /** What the file seems to be when hardly a line of it is a BookingEvent; undefined when it is what it should be. */
  get doubt(): string | undefined {
    if (this.lines === 0) return 'the event file has no lines';
    if (this.events * 2 > this.lines) return undefined;
    const share = `${this.lines - this.events} of ${this.lines} lines are no BookingEvent v1`;
    const changes = 'most are DynamoDB change records, as on booking-changes; a backtest reads what lies behind the router';
    return `${share}: ${this.#changeRecords * 2 > this.lines ? changes : 'is it the right file? docs/contracts/booking-event.v1.json'}`;
  }

  #isBad(reason: string, error: string): undefined {
    const known = this.#bad.get(reason);
    if (known === undefined) this.#bad.set(reason, { reason, count: 1, firstLine: this.#number, error: oneLine(error) });
    else known.count++;
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, '; ');
const isBlank = (data: Buffer): boolean => data.every((byte) => byte === 0x20 || byte === 0x09);
const looksLikeChangeRecord = (data: Buffer): boolean => data.includes('"dynamodb"') && data.includes('"eventName"');
