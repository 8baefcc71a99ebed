import { invalidArgument, malformed, requirementBroken } from '../protocol/errors.ts';
import { type Input, required, structureIn } from '../protocol/input.ts';

/** AddTagsToStream and Tag, API reference. */
export const maxTags = 50;
export const maxKeyLength = 128;
const maxValueLength = 256;
/** Sizes of TagMap and TagKeyList in one request (service model). */
const maxTagsPerRequest = 200;
const maxKeysPerRequest = 50;
const reservedPrefix = 'aws:';
const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@%]*$/u;

export type Tags = ReadonlyMap<string, string>;

/** What carries tags: a stream or a consumer. */
export interface Tagged {
  readonly tags: Map<string, string>;
  /** As messages name it. */
  readonly title: string;
}

/** The Tags of a request, checked one by one; whether a resource has room for them, `addTags` says. */
export function tagsIn(input: Input): Tags | undefined {
  const given = structureIn(input, 'Tags');
  if (given === undefined) return undefined;
  const tags = new Map<string, string>();
  for (const [key, value] of Object.entries(given)) {
    if (typeof value !== 'string') throw malformed('a tag must be a string');
    tags.set(key, value);
  }
  const broken: string[] = [];
  if (tags.size < 1) broken.push('Member must have length greater than or equal to 1');
  if (tags.size > maxTagsPerRequest) broken.push(`Member must have length less than or equal to ${maxTagsPerRequest}`);
  if (![...tags.keys()].every((key) => key.length >= 1 && key.length <= maxKeyLength)) {
    broken.push(`Map keys must satisfy constraint: ${between(1, maxKeyLength)}`);
  }
  if (![...tags.values()].every((value) => value.length <= maxValueLength)) {
    broken.push(`Map value must satisfy constraint: ${between(0, maxValueLength)}`);
  }
  if (broken.length > 0) throw requirementBroken('tags', `{${[...tags].map((tag) => tag.join('=')).join(', ')}}`, broken);
  return tags;
}

export function addTags({ tags, title }: Tagged, more: Tags): void {
  checkCharacters([...more.keys(), ...more.values()], `add tags to ${title}`);
  if ([...more.keys()].some((key) => key.startsWith(reservedPrefix))) {
    throw invalidArgument(`Failed to add tags to ${title} because keys that begin with ${reservedPrefix} are reserved for AWS.`);
  }
  if (new Set([...tags.keys(), ...more.keys()]).size > maxTags) {
    throw invalidArgument(
      `Failed to add tags to ${title} because a given resource cannot have more than ${maxTags} tags associated with it.`,
    );
  }
  for (const [key, value] of more) tags.set(key, value);
}

export function removeTags({ tags, title }: Tagged, keys: readonly string[]): void {
  checkCharacters(keys, `remove tags from ${title}`);
  for (const key of keys) tags.delete(key);
}

export function tagKeysIn(input: Input): readonly string[] {
  const keys = required(input['TagKeys'] ?? undefined, 'TagKeys');
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) throw malformed('TagKeys must be a list of strings');
  const broken: string[] = [];
  if (keys.length < 1) broken.push('Member must have length greater than or equal to 1');
  if (keys.length > maxKeysPerRequest) broken.push(`Member must have length less than or equal to ${maxKeysPerRequest}`);
  if (!keys.every((key) => key.length >= 1 && key.length <= maxKeyLength)) {
    broken.push(`Member must satisfy constraint: ${between(1, maxKeyLength)}`);
  }
  if (broken.length > 0) throw requirementBroken('tagKeys', `[${keys.join(', ')}]`, broken);
  return keys;
}

const between = (min: number, max: number): string =>
  `[Member must have length less than or equal to ${max}, Member must have length greater than or equal to ${min}]`;

function checkCharacters(texts: readonly string[], failed: string): void {
  if (!texts.every((text) => allowed.test(text))) {
    throw invalidArgument('Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.');
  }
  // AWS names % among the valid ones above, and refuses it so.
  if (texts.some((text) => text.includes('%'))) {
    throw invalidArgument(
      `Failed to ${failed} because some tags contained illegal characters. The allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.`,
    );
  }
}
