import type { Statement } from './statement.ts';

/** Something that Postgres takes and Redshift refuses or reads differently. */
export interface Rule {
  readonly id: string;
  readonly broken: (statement: Statement) => boolean;
  /** What to write. */
  readonly instead: string;
  /** Where it is said that Redshift does not do as Postgres does. */
  readonly source: string;
  /** A statement that this rule alone refuses; Postgres takes it, given the tables of the test. */
  readonly refuses: string;
}

/** A page of the Redshift developer guide. */
export const guide = (page: string): string => `https://docs.aws.amazon.com/redshift/latest/dg/${page}.html`;

export const unsupportedFeatures = guide('c_unsupported-postgresql-features');
export const unsupportedTypes = guide('c_unsupported-postgresql-datatypes');
export const unsupportedFunctions = guide('c_unsupported-postgresql-functions');

/** A rule on the statement's text (statement.ts says how that is written). */
export const pattern = (id: string, broken: RegExp, instead: string, source: string, refuses: string): Rule => ({
  id,
  broken: ({ text }) => broken.test(text),
  instead,
  source,
  refuses,
});
