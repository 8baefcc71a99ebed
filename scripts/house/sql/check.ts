/** Every statement that the product sends to Redshift: is it Redshift's? Prints what is wrong; ends with 1 when anything is. */
import { root } from '../run-step.ts';
import { collect, uncollected } from './collect.ts';
import { lint } from './lint.ts';
import { runs } from './runs.ts';
import { sitesIn } from './sites.ts';

const shownCharacters = 400;

const { sent, failures } = await collect(root, runs);
const problems = [...failures];

const statements = new Map<string, string>();
for (const { dialect, sql, calls } of sent) if (dialect === 'redshift' && !statements.get(sql)) statements.set(sql, calls[0] ?? '');
for (const [sql, site] of statements) {
  for (const { id, instead, source } of lint(sql)) {
    problems.push(
      `${site || 'given as a text'}  ${id}\n    write: ${instead}\n    see:   ${source}\n    in:    ${sql.replace(/\s+/g, ' ').slice(0, shownCharacters)}`,
    );
  }
}
for (const { file, line, parts } of uncollected(sitesIn(root, ['services', 'scripts']), sent)) {
  const what =
    parts === undefined
      ? 'this statement is'
      : `this text is part of no statement that was; it begins "${(parts.find((part) => part.trim() !== '') ?? '').trim().slice(0, 50)}"`;
  problems.push(
    `${file}:${line}  ${parts === undefined ? `${what} never collected` : what}\n    add a run that sends it to scripts/house/sql/runs.ts (its answers lead the code there)`,
  );
}

for (const problem of problems) process.stdout.write(`${problem}\n`);
process.stdout.write(`SQL for Redshift: ${statements.size} statements, ${problems.length} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
