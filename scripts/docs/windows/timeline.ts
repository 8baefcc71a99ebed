/** A window as it is drawn: `[─────)` holds its start, not its end; `[─────]` holds both. */
export interface Bar {
  readonly start: number;
  readonly end: number;
  readonly inclusive?: boolean;
  /** Left of the line; default: the bounds. */
  readonly name?: string;
  /** Right of the line. */
  readonly note: string;
}

export interface Point {
  readonly time: number;
  /** One character. */
  readonly label: string;
}

export interface Timeline {
  readonly from: number;
  readonly to: number;
  /** Lines of records, by name. */
  readonly records: Readonly<Record<string, readonly Point[]>>;
  readonly bars: readonly Bar[];
}

const tickEvery = 10;

/** One column a unit of time, one line a window. */
export function drawTimeline({ from, to, records, bars }: Timeline): string {
  const line = (start: number, text: string): string => ' '.repeat(start - from) + text;
  const rows: [name: string, drawing: string, note: string][] = [['', axis(from, to), '']];
  for (const [name, points] of Object.entries(records)) rows.push([name, pointsLine(points, from), '']);
  for (const { start, end, inclusive = false, name, note } of bars) {
    const close = inclusive ? ']' : ')';
    const drawn = start === end ? '|' : `[${'─'.repeat(Math.max(0, end - start - 1))}${close}`;
    rows.push([name ?? `[${start}, ${end}${close}`, line(Math.max(start, from), clipped(drawn, start, from, to)), note]);
  }
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const [ofName = 0, ofDrawing = 0] = widths;
  return rows.map(([name, drawing, note]) => `${name.padEnd(ofName)}  ${drawing.padEnd(ofDrawing)}   ${note}`.trimEnd()).join('\n');
}

function axis(from: number, to: number): string {
  let text = '';
  for (let time = from; time <= to; time++) {
    if (time % tickEvery === 0) text = text.padEnd(time - from) + String(time);
  }
  return text;
}

function pointsLine(points: readonly Point[], from: number): string {
  const cells: string[] = [];
  for (const { time, label } of points) cells[time - from] = cells[time - from] === undefined ? label : '*';
  return Array.from(cells, (cell) => cell ?? ' ').join('');
}

/** What lies left of the drawing is cut off with an arrow, what lies right of it too. */
function clipped(drawn: string, start: number, from: number, to: number): string {
  const left = start < from ? `‹${drawn.slice(from - start + 1)}` : drawn;
  const room = to - Math.max(start, from) + 1;
  return left.length > room ? `${left.slice(0, room - 1)}›` : left;
}

/** Two columns: what was given, and what was told. */
export function drawLog(steps: readonly (readonly [given: string, told: readonly string[]])[]): string {
  const width = Math.max(...steps.map(([given]) => given.length));
  const lines = steps.flatMap(([given, told]) =>
    (told.length === 0 ? [''] : told).map((text, i) => `${(i === 0 ? given : '').padEnd(width)}   ${text}`.trimEnd()),
  );
  return lines.join('\n');
}
