import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import { decodeBookingEvent } from '../../services/lib/events/booking-event-codec.ts';
import { eventProblem } from './event-problem.ts';
import { type Line, maxLineBytes } from './lines.ts';
import { counted, number } from './words.ts';

/** Of one reason. */
const maxExamples = 3;

export interface BadLine {
  /** From 1. */
  readonly line: number;
  /** What was expected, in one line. */
  readonly problem: string;
}

/** Lines of one reason that are no event. Examples of the same reason have other fields at fault. */
export interface BadLines {
  readonly reason: string;
  readonly count: number;
  readonly examples: readonly BadLine[];
}

interface Bad {
  count: number;
  readonly examples: Map<string, BadLine>;
}

/** Takes the events from lines, and counts the lines that are none. */
export class EventLines {
  /** Blank lines are no lines. */
  lines = 0;
  events = 0;
  /** Of the line read last, from 1. */
  number = 0;
  readonly #bad = new Map<string, Bad>();
  #changeRecords = 0;

  /** Undefined for a line that is no event. */
  read(line: Line): BookingEvent | undefined {
    this.number++;
    if (line.kind === 'too-long') {
      this.lines++;
      this.#add('line-too-long', `longer than 1 MiB (${number(maxLineBytes)} bytes), which no event is`);
      return undefined;
    }
    if (isBlank(line.data)) return undefined;
    this.lines++;
    const outcome = decodeBookingEvent(line.data, undefined, Number.POSITIVE_INFINITY);
    if (outcome.kind === 'ok') {
      this.events++;
      return outcome.value;
    }
    if (looksLikeChangeRecord(line.data)) this.#changeRecords++;
    this.#add(outcome.reason, outcome.kind === 'deadLetter' ? outcome.error : outcome.reason, line.data);
    return undefined;
  }

  /** Most first. */
  get bad(): readonly BadLines[] {
    const bad = [...this.#bad].map(([reason, { count, examples }]) => ({ reason, count, examples: [...examples.values()] }));
    return bad.sort((a, b) => b.count - a.count);
  }

  /** What the file seems to be when hardly a line of it is a BookingEvent; undefined when it is what it should be. */
  get doubt(): string | undefined {
    if (this.lines === 0) return 'the event file has no lines';
    if (this.events * 2 > this.lines) return undefined;
    const bad = this.lines - this.events;
    const share = `${number(bad)} of ${counted(this.lines, 'line')} ${bad === 1 ? 'is' : 'are'} no BookingEvent v1`;
    const changes = 'most are DynamoDB change records, as on booking-changes; a backtest reads what lies behind the router';
    return `${share}: ${this.#changeRecords * 2 > this.lines ? changes : 'is it the right file? docs/contracts/booking-event.v1.json'}`;
  }

  #add(reason: string, error: string, data?: Buffer): void {
    const bad = this.#bad.get(reason) ?? { count: 0, examples: new Map<string, BadLine>() };
    this.#bad.set(reason, bad);
    bad.count++;
    if (bad.examples.size >= maxExamples) return;
    const problem = data === undefined ? undefined : eventProblem(data);
    const kind = problem?.kind ?? `line ${this.number}`;
    if (!bad.examples.has(kind)) bad.examples.set(kind, { line: this.number, problem: problem?.text ?? error });
  }
}

const isBlank = (data: Buffer): boolean => data.every((byte) => byte === 0x20 || byte === 0x09);
const looksLikeChangeRecord = (data: Buffer): boolean => data.includes('"dynamodb"') && data.includes('"eventName"');
