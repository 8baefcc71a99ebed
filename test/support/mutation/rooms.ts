/** Which tests hold which sources; the first that fits counts, the quickest tests first. */
export const rooms: readonly { readonly sources: string; readonly tests: readonly string[] }[] = [
  { sources: 'services/lib/windows/counts/', tests: ['test/services/lib/windows/counts'] },
  {
    sources: 'services/lib/windows/tables/',
    tests: ['test/services/lib/windows/tables', 'test/services/lib/windows/counts', 'test/services/lib/rules', 'test/oracle'],
  },
  {
    sources: 'services/lib/windows/snapshot/',
    tests: ['test/services/lib/windows/snapshot', 'test/services/lib/rules', 'test/services/lib/windows/restart.test.ts'],
  },
  { sources: 'services/lib/windows/', tests: ['test/services/lib/windows', 'test/conformance/windows'] },
  { sources: 'services/lib/rules/', tests: ['test/services/lib/rules', 'test/oracle'] },
];
