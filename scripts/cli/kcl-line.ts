import { type Flag, preset } from './flags.ts';

/** The KCL line (docs/adr/0003). Set-up fetches the jars of 3.x only for a command line that has `--kcl 3` (scripts/setup/needs.mjs). */
export type KclLine = '2' | '3';

export const kclLine = (help: string): Flag<KclLine> =>
  preset('2|3', help, '2', (text) => {
    if (text !== '2' && text !== '3') throw new Error('expected 2 or 3');
    return text;
  });
