import { hash } from 'node:crypto';
import type { StreamRecord } from '../../../../services/lib/kcl/processor.ts';
import { type HashRange, hashKeyOf, inRange } from '../../../../services/lib/kcl/shards.ts';
import type { Fence } from '../../../../services/lib/state/fence.ts';
import type { SavedState, StateModel, StateToSave } from '../../../../services/lib/state/state-model.ts';
import { corrupt } from '../../../../services/lib/windows/snapshot/snapshot-error.ts';

/** What was applied, in order: whatever is lost, doubled or out of order shows. */
export interface Tally {
  entries: { readonly key: string; readonly text: string }[];
  incomplete: boolean;
}

/** The plainest model: its state is the list of its records, and each record but a `quiet` one is an effect. `throw` makes it throw. */
export class TallyModel implements StateModel<Tally, string> {
  /** Changes what the model does. */
  onApply: (text: string) => void = (text) => {
    if (text.startsWith('throw')) throw new RangeError(`${text} in a rule`);
  };
  onBefore: (text: string) => Promise<void> | undefined = () => undefined;
  onSettle: (effects: readonly string[], fence: Fence) => 'done' | 'fenced' | Promise<'done' | 'fenced'> = () => 'done';
  readonly prepared: string[][] = [];
  ticks = 0;

  async fresh(): Promise<Tally> {
    return { entries: [], incomplete: false };
  }

  async restore(saved: SavedState): Promise<Tally> {
    return { entries: await entriesOf(saved), incomplete: saved.meta === 'incomplete' };
  }

  async check(saved: SavedState): Promise<void> {
    await entriesOf(saved);
  }

  async inherit(range: HashRange, parents: readonly SavedState[]): Promise<Tally> {
    const entries: Tally['entries'] = [];
    for (const parent of parents) entries.push(...(await entriesOf(parent)).filter(({ key }) => inRange(hashKeyOf(key), range)));
    return { entries, incomplete: parents.some(({ meta }) => meta === 'incomplete') };
  }

  save({ entries, incomplete }: Tally): StateToSave {
    const content = JSON.stringify(entries);
    const frames = [Buffer.from(`${hash('sha256', content)}\n`), Buffer.from(content)];
    return { generation: 1, meta: incomplete ? 'incomplete' : 'complete', frames };
  }

  markIncomplete(state: Tally): void {
    state.incomplete = true;
  }

  async prepare(_state: Tally, records: readonly StreamRecord[]): Promise<void> {
    this.prepared.push(records.map(textOf));
  }

  before(_state: Tally, record: StreamRecord): Promise<void> | undefined {
    return this.onBefore(textOf(record));
  }

  apply(state: Tally, record: StreamRecord): readonly string[] {
    const text = textOf(record);
    if (!this.prepared.at(-1)?.includes(text)) throw new RangeError(`${text} was not among those that were prepared last`);
    this.onApply(text);
    state.entries.push({ key: record.partitionKey, text });
    return text.startsWith('quiet') ? [] : [text];
  }

  async settle(effects: readonly string[], fence: Fence): Promise<'done' | 'fenced'> {
    return this.onSettle(effects, fence);
  }

  async tick(): Promise<void> {
    this.ticks++;
  }
}

const textOf = ({ data }: StreamRecord): string => data.toString();

async function entriesOf({ frames }: SavedState): Promise<Tally['entries']> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of frames) chunks.push(chunk);
  const [sum, content = ''] = Buffer.concat(chunks).toString().split('\n');
  if (sum !== hash('sha256', content)) throw corrupt('its checksum differs');
  return JSON.parse(content) as Tally['entries'];
}
