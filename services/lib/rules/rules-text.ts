import { isUtf8 } from 'node:buffer';
import { PlatformError } from '../process/errors.ts';
import { JsonReader, JsonTextError } from './json-reader.ts';
import { parseRulesFile, type RulesFile } from './rules-file.ts';

/** 200 rules with long lists of allowed values fit; anything larger is no rules file, and is not even parsed. */
export const maxRulesBytes = 1_048_576;

/**
 * Reads a rules file from its bytes (UTF-8 JSON). Throws one RULES_INVALID with all that is wrong, each with its path, line and column:
 * what parseRulesFile finds, and names that an object has twice, of which JSON.parse would silently drop one.
 */
export function parseRulesText(bytes: Uint8Array): RulesFile {
  if (bytes.length > maxRulesBytes) invalid(`it is larger than 1 MiB (${maxRulesBytes.toLocaleString('en-US')} bytes)`);
  if (!isUtf8(bytes)) invalid('it is not UTF-8 text');
  const text = new TextDecoder().decode(bytes); // drops a byte order mark
  const json = read(text);
  return parseRulesFile(JSON.parse(text), (path) => json.placeOf(path), json.repeated);
}

function read(text: string): JsonReader {
  try {
    return new JsonReader(text);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    return invalid(`not JSON at line ${error.line}, column ${error.column}: ${error.message}`, error);
  }
}

function invalid(why: string, cause?: unknown): never {
  throw new PlatformError('RULES_INVALID', `rules file is invalid: ${why}`, { cause });
}
