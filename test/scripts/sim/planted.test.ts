import assert from 'node:assert/strict';
import { lookForPlanted } from '../../../scripts/sim/planted.ts';
import type { Tried } from '../../simulation/state/planted/run.ts';

const bug = (name: string, more: Partial<Tried> = {}): Tried => ({
  name,
  harmless: undefined,
  runs: 1,
  firstSeeds: {},
  found: false,
  ...more,
});

describe('what sim --planted tells', () => {
  async function look(
    tries: (stop: AbortController) => AsyncGenerator<Tried>,
    json = false,
  ): Promise<{ readonly sound: boolean; readonly lines: string[] }> {
    const stop = new AbortController();
    const lines: string[] = [];
    const options = { where: ['state', 'loader'] as const, seeds: 3, json, signal: stop.signal };
    const sound = await lookForPlanted(
      options,
      (line) => lines.push(line),
      () => undefined,
      () => tries(stop),
    );
    return { sound, lines };
  }

  it('is what was found so far when it is stopped in the middle of a search, not an error', async () => {
    const stopped = async function* (stop: AbortController): AsyncGenerator<Tried> {
      yield bug('first', { found: true, firstSeeds: { rows: 2 } });
      stop.abort();
      stop.signal.throwIfAborted();
    };
    const { sound, lines } = await look(stopped);
    assert.deepEqual([sound, lines], [true, ['found     first: rows (seed 2)', '1 of 1 found, 0 missed; stopped before the rest']]);
    const { stopped: told, planted } = JSON.parse((await look(stopped, true)).lines.at(-1) ?? '') as Record<string, unknown>;
    assert.deepEqual([told, planted], [true, 1]);
  });

  it('passes on what goes wrong by itself', async () => {
    await assert.rejects(
      look(async function* () {
        yield bug('first', { found: true });
        throw new Error('broken');
      }),
      /broken/,
    );
  });
});
