import { readdir } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { kclConsumerConfig, withLocalDefaults } from '../../services/lib/kcl/config.ts';
import type { ConfigShape } from '../../services/lib/process/config.ts';
import type { ServiceDefinition } from '../../services/lib/process/service.ts';

interface Row {
  readonly key: string;
  readonly meaning: string;
  readonly value: string;
  readonly fallback: string;
}

/** No text a person would configure, so that every schema but free text answers with what it expects. */
const unlikelyValue = '\u0000';
const secretsNote = 'Keys whose name holds SECRET, PASSWORD, TOKEN or CREDENTIAL are masked in error messages.';

/** Every services/<name>/service.ts, in name order. */
export async function loadDefinitions(services: URL): Promise<ServiceDefinition[]> {
  const entries = await readdir(services, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && entry.name !== 'lib').map((entry) => entry.name);
  const modules = await Promise.all(names.sort().map((name) => import(new URL(`${name}/service.ts`, services).href)));
  return modules.flatMap((module: Record<string, unknown>) => Object.values(module).filter(isDefinition));
}

function isDefinition(value: unknown): value is ServiceDefinition {
  return typeof value === 'object' && value !== null && 'config' in value && 'runtime' in value;
}

/** The page as it is committed at docs/configuration.md: what every service reads from its environment. */
export function configurationPage(definitions: readonly ServiceDefinition[]): string {
  const shared = rows(kclConsumerConfig, new Map());
  const parts = [
    '# Configuration',
    '<!-- Written by `npm run docs` from services/*/service.ts. Do not edit. -->',
    'Every service reads its environment once, at start. Anything missing or malformed ends the start with one message that lists ' +
      `every problem. An empty variable counts as unset. ${secretsNote} The local stack sets all keys itself.`,
    '## Every KCL consumer',
    table(shared),
    `With \`LOCAL_MODE=true\` these defaults differ: ${localDefaults()}.`,
    ...definitions.flatMap((definition) => {
      const all = rows(definition.config, namedThings(definition));
      const inherited = all.filter((row) => shared.some((other) => isDeepStrictEqual(row, other)));
      const keys = inherited.map(({ key }) => `\`${key}\``).join(', ');
      return [
        `## ${definition.name}`,
        definition.summary,
        ...(definition.runtime === 'lambda' ? [`No KCL consumer; of the keys above it reads ${keys}.`] : []),
        table(all.filter((row) => !inherited.includes(row))),
      ];
    }),
  ];
  return `${parts.join('\n\n')}\n`;
}

function localDefaults(): string {
  const { LOCAL_MODE: _, ...values } = withLocalDefaults({ LOCAL_MODE: 'true' });
  return Object.entries(values)
    .map(([key, value]) => `\`${key}=${value}\``)
    .join(', ');
}

/** Keys that carry the name of a stream, table or topic are explained by what they name. */
function namedThings(definition: ServiceDefinition): Map<string, string> {
  const { consumes, produces, tables, readsTables = [], topics } = definition;
  const meanings = new Map<string, string>();
  if (consumes) meanings.set(consumes.streamConfigKey, `stream it reads: ${consumes.stream.summary}`);
  for (const { stream, configKey } of produces) meanings.set(configKey, `stream it writes: ${stream.summary}`);
  for (const { configKey, summary } of tables) meanings.set(configKey, `table: ${summary}`);
  for (const { configKey, summary } of readsTables) meanings.set(configKey, `table it reads: ${summary}`);
  for (const { configKey, summary } of topics) meanings.set(configKey, `topic: ${summary}`);
  return meanings;
}

function rows(shape: ConfigShape, meanings: ReadonlyMap<string, string>): Row[] {
  return Object.entries(shape).map(([key, schema]) => ({
    key,
    meaning: schema.description ?? meanings.get(key) ?? '',
    value: expectation(schema),
    fallback: fallback(schema),
  }));
}

/** `none`: may be left out. */
function fallback(schema: z.ZodType): string {
  const unset = schema.safeParse(undefined);
  if (!unset.success) return '**required**';
  return unset.data === undefined ? 'none' : `\`${JSON.stringify(unset.data).replaceAll('"', '')}\``;
}

function expectation(schema: z.ZodType): string {
  const result = schema.safeParse(unlikelyValue);
  if (result.success) return 'text';
  const message = messages(result.error.issues).find((text) => text.startsWith('expected ')) ?? 'text';
  return message.replace(/^expected (a |one of )?/, '');
}

function messages(issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap((issue) => (issue.code === 'invalid_union' ? messages(issue.errors.flat()) : [issue.message]));
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(list: readonly Row[]): string {
  const lines = list.map((row) => `| \`${row.key}\` | ${cell(row.meaning)} | ${cell(row.value)} | ${cell(row.fallback)} |`);
  return ['| key | meaning | value | default |', '|---|---|---|---|', ...lines].join('\n');
}
