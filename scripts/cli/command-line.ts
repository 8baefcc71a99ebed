import { type Flags, type FlagTable, flag, flagHelp, parseFlags, UsageError } from './flags.ts';

export interface CommandText {
  /** As in package.json. */
  readonly name: string;
  readonly summary: string;
  readonly examples: readonly string[];
}

const helpFlag = { help: flag('this text') };

/**
 * The flags of a command. `--help` prints examples first and ends with 0; a wrong command line ends with 2.
 */
export function readCommandLine<T extends FlagTable>(text: CommandText, table: T, argv: readonly string[]): Flags<T> {
  try {
    const flags = parseFlags({ ...table, ...helpFlag }, argv);
    if (!flags.help) return flags;
    process.stdout.write(helpText(text, { ...table, ...helpFlag }));
    process.exit(0);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`npm run ${text.name}: ${error.message}\n`);
    process.exit(2);
  }
}

export function helpText(text: CommandText, table: FlagTable): string {
  const examples = text.examples.map((example) => `  ${example}`).join('\n');
  return `${text.summary}\n\nExamples:\n${examples}\n\nFlags:\n${flagHelp(table)}\n`;
}
