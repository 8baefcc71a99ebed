import { type z } from 'zod';
import { deadLetter, type Outcome, ok } from './outcome.ts';

export type Json = z.core.util.JSONType;
type Unmarshalled = Outcome<Json, never, 'invalid-attribute'>;

/**
 * DynamoDB's typed JSON (`{"S":"x"}`, `{"N":"12"}`) as plain JSON. A number that a double cannot hold exactly stays text;
 * binary stays base64; sets become arrays. Depth is the caller's: parseJsonText bounds it.
 */
export function unmarshall(typed: unknown): Unmarshalled {
  if (typeof typed !== 'object' || typed === null || Array.isArray(typed)) return invalid('not an attribute value');
  const [entry, ...others] = Object.entries(typed);
  if (entry === undefined || others.length > 0) return invalid('an attribute value has exactly one type');
  const [type, value] = entry;
  switch (type) {
    case 'S':
    case 'B':
      return typeof value === 'string' ? ok(value) : invalid(`${type} is not a text`);
    case 'N':
      return typeof value === 'string' && isNumber(value) ? ok(numberOf(value)) : invalid('N is not a number in text form');
    case 'BOOL':
      return typeof value === 'boolean' ? ok(value) : invalid('BOOL is not a boolean');
    case 'NULL':
      return value === true ? ok(null) : invalid('NULL is not true');
    case 'SS':
    case 'BS':
      return all(value, (item) => unmarshall({ S: item }));
    case 'NS':
      return all(value, (item) => unmarshall({ N: item }));
    case 'L':
      return all(value, unmarshall);
    case 'M':
      return unmarshallMap(value);
    default:
      return invalid(`unknown type ${JSON.stringify(type.slice(0, 20))}`);
  }
}

export function unmarshallMap(value: unknown): Outcome<Record<string, Json>, never, 'invalid-attribute'> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid('not a map of attributes');
  const entries: [string, Json][] = [];
  for (const [name, typed] of Object.entries(value)) {
    const plain = unmarshall(typed);
    if (plain.kind !== 'ok') return invalid(`${name.slice(0, 100)}: ${plain.kind === 'deadLetter' ? plain.error : plain.reason}`);
    entries.push([name, plain.value]);
  }
  return ok(Object.fromEntries(entries));
}

function all(value: unknown, each: (item: unknown) => Unmarshalled): Unmarshalled {
  if (!Array.isArray(value)) return invalid('not a list');
  const items: Json[] = [];
  for (const item of value) {
    const plain = each(item);
    if (plain.kind !== 'ok') return plain;
    items.push(plain.value);
  }
  return ok(items);
}

const isNumber = (text: string): boolean => /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) && text.length <= 200;

/** The double, when writing it out gives the same digits again; else the text. */
function numberOf(text: string): number | string {
  if (/^-?[1-9]\d{0,14}$/.test(text)) return Number(text);
  const value = Number(text);
  return Number.isFinite(value) && digitsOf(String(value)) === digitsOf(text) ? value : text;
}

/** Significant digits and exponent, so that 19.90, 19.9 and 1.99e1 compare alike. */
function digitsOf(text: string): string {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return '0';
  return `${sign === '-' ? '-' : ''}${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`;
}

const invalid = (error: string): { kind: 'deadLetter'; reason: 'invalid-attribute'; error: string } =>
  deadLetter('invalid-attribute', error);
