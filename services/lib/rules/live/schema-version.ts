/**
 * Version of what a rules file may hold and of what that means. Each generation carries the one of the build that published it, and a
 * detector that does not know it waits for one that does: were it to judge the file, one record would have other alerts in each build.
 *
 * Raise it with each change after which the build before could take a file otherwise: a field, a condition or a value more, a wider limit,
 * another meaning. What earlier versions allow stays valid and means the same, since their generations stay listed. The new build is
 * deployed everywhere first, rules of its version are published later (docs/rules.md, Publish).
 */
export const rulesSchemaVersion = 1;

/** Of generations that carry none: they were published before there was a version. */
export const firstSchemaVersion = 1;
