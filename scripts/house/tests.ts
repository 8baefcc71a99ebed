import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, runStep, tool } from './run-step.ts';

export interface TestResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** 0, or of whatever failed: a test, the coverage, the runner. */
  readonly exitCode: number;
}

const defaultFiles = 'test/**/*.test.ts';
/** The product's core may not lose its tests. */
const coverage = [
  '--reporter=text-summary',
  '--all',
  '--src=services/lib',
  '--include=services/lib/**/*.ts',
  '--check-coverage',
  '--lines=90',
];

/**
 * Runs mocha, under c8 when coverage is asked for.
 * @param mochaArgs files and options of mocha; without a file all tests run
 */
export async function runTests(mochaArgs: readonly string[], options: { readonly coverage: boolean }): Promise<TestResult> {
  const folder = mkdtempSync(join(tmpdir(), 'tests-'));
  const tallyFile = join(folder, 'tally.json');
  const files = mochaArgs.some((argument) => argument.endsWith('.ts')) ? [] : [defaultFiles];
  const reporter = ['--reporter', join(root, 'test/support/tally-reporter.ts'), '--reporter-option', `tally=${tallyFile}`];
  // mocha takes CI for a terminal.
  const plain = process.stdout.isTTY && process.env['NO_COLOR'] === undefined ? [] : ['--no-color'];
  const mocha = tool('mocha/bin/mocha.js', ...plain, ...reporter, ...mochaArgs, ...files);
  const c8 = tool('c8/bin/c8.js', ...coverage, '--temp-directory', join(folder, 'coverage'), process.execPath);
  try {
    const exitCode = await runStep(options.coverage ? [...c8, ...mocha] : mocha);
    return { ...readTally(tallyFile), exitCode };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A run that ended before its reporter did counts as one failure. */
function readTally(file: string): Omit<TestResult, 'exitCode'> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Omit<TestResult, 'exitCode'>;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

export const tallyLine = ({ passed, failed, skipped }: TestResult): string => `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
