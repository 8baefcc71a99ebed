/** What one search found: the first seed of each rule that was broken. */
export interface Found {
  readonly runs: number;
  readonly firstSeeds: Readonly<Record<string, number>>;
}
