import assert from 'node:assert/strict';
import fc from 'fast-check';
import { JsonReader, JsonTextError } from '../../../../services/lib/rules/json-reader.ts';

/** Texts that are JSON, nearly JSON, or made of its pieces. */
const texts = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc
    .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom('', ',', '"', '\\', '}', '[', '0', '-', '\n', '\u0001', '\u007f'))
    .map(([text, at, other]) => {
      const cut = at % (text.length + 1);
      return text.slice(0, cut) + other + text.slice(cut + 1);
    }),
  fc
    .array(
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"', '1', '-', '.5', 'e9', '01', 'true', 'nul', ' ', '\t', '\\u00', '\ud800'),
      { maxLength: 9 },
    )
    .map((parts) => parts.join('')),
);

function takenByParse(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the JSON reader', () => {
  it('takes exactly the texts that JSON.parse takes', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const taken = takenByParse(text);
        try {
          assert.equal(new JsonReader(text).placeOf([]).line > 0, taken);
        } catch (error) {
          assert.ok(error instanceof JsonTextError && !taken, String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('knows a value that begins its line', () => {
    assert.deepEqual(new JsonReader('[\n1,\n\n2]').placeOf([1]), { line: 4, column: 1 });
  });

  it('knows where every value lies', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(0, 1, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const reader = new JsonReader(text);
        const lines = text.split('\n');
        const check = (part: unknown, path: readonly PropertyKey[]): void => {
          const { line, column } = reader.placeOf(path);
          const rest = [lines[line - 1]?.slice(column - 1), ...lines.slice(line)].join('\n');
          const first = JSON.stringify(part, null, indent).slice(0, 1);
          assert.ok(
            rest.startsWith(typeof part === 'object' && part !== null ? first : JSON.stringify(part)),
            `${path.join('.')} in ${text}`,
          );
          if (typeof part === 'object' && part !== null) {
            for (const [name, child] of Object.entries(part)) check(child, [...path, Array.isArray(part) ? Number(name) : name]);
          }
        };
        check(value, []);
      }),
    );
  });

  it('reads a long text in no more than linear time and stack', () => {
    const text = `[${'"\\n\\"x",'.repeat(100_000)}{"a":"${'y'.repeat(200_000)}"}]`;
    assert.deepEqual(new JsonReader(text).placeOf([100_000, 'a']), { line: 1, column: 1 + 800_000 + 5 + 1 });
  });
});
