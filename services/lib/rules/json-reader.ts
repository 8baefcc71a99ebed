import type { LineAndColumn, Problem } from './problems.ts';

/** A rules file nests five levels. */
const maxDepth = 32;

const blank = /[ \t\n\r]*/y;
/** In it, anything from the space on but `"` and `\`: control characters must be escaped. */
const string = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*"/y;
const plain = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

interface Node {
  readonly at: number;
  readonly children: Map<PropertyKey, Node> | undefined;
}

/** The text is not JSON. */
export class JsonTextError extends Error implements LineAndColumn {
  override readonly name = 'JsonTextError';
  readonly line: number;
  readonly column: number;

  constructor(message: string, { line, column }: LineAndColumn) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

/**
 * Where the values of a JSON text lie, so that a mistake can be shown at its line: JSON.parse tells neither that, nor always the place
 * of a syntax error, nor that an object has one name twice. Throws JsonTextError for text that JSON.parse would not take, or that nests
 * deeper than 32 levels.
 */
export class JsonReader {
  /** Names that their object has already. */
  readonly repeated: Problem[] = [];
  readonly #text: string;
  readonly #lineStarts: readonly number[];
  readonly #root: Node;
  readonly #path: PropertyKey[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lineStarts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
    this.#root = this.#value();
    if (this.#at < text.length) this.#fail('expected the end');
  }

  /** Of the value at the path, or the nearest that exists around it. */
  placeOf(path: readonly PropertyKey[]): LineAndColumn {
    let node = this.#root;
    for (const part of path) {
      const child = node.children?.get(part);
      if (child === undefined) break;
      node = child;
    }
    return this.#place(node.at);
  }

  #value(): Node {
    this.#skip(blank);
    const at = this.#at;
    let children: Map<PropertyKey, Node> | undefined;
    if (this.#takes('{')) children = this.#members();
    else if (this.#takes('[')) children = this.#items();
    else if (!this.#skip(string) && !this.#skip(plain)) this.#fail('expected a value');
    this.#skip(blank);
    return { at, children };
  }

  #members(): Map<PropertyKey, Node> {
    const members = new Map<PropertyKey, Node>();
    this.#enter();
    this.#skip(blank);
    if (this.#takes('}')) return members;
    do {
      this.#skip(blank);
      const from = this.#at;
      if (!this.#skip(string)) this.#fail('expected a name in double quotes');
      const name = JSON.parse(this.#text.slice(from, this.#at)) as string;
      this.#skip(blank);
      if (!this.#takes(':')) this.#fail('expected :');
      this.#path.push(name);
      if (members.has(name)) this.repeated.push({ path: [...this.#path], message: 'the same name stands twice in one object' });
      members.set(name, this.#value());
      this.#path.pop();
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#fail('expected , or }');
    return members;
  }

  #items(): Map<PropertyKey, Node> {
    const items = new Map<PropertyKey, Node>();
    this.#enter();
    this.#skip(blank);
    if (this.#takes(']')) return items;
    do {
      this.#path.push(items.size);
      items.set(items.size, this.#value());
      this.#path.pop();
    } while (this.#takes(','));
    if (!this.#takes(']')) this.#fail('expected , or ]');
    return items;
  }

  #enter(): void {
    if (this.#path.length >= maxDepth) this.#fail(`nested deeper than ${maxDepth} levels`);
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #fail(expected: string): never {
    const found = this.#at < this.#text.length ? JSON.stringify(String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0)) : 'the end';
    throw new JsonTextError(`${expected}, got ${found}`, this.#place(this.#at));
  }

  #place(at: number): LineAndColumn {
    // By halves: a text may have as many lines as characters, and a thousand problems.
    let line = 0;
    for (let end = this.#lineStarts.length; end - line > 1; ) {
      const middle = (line + end) >>> 1;
      if ((this.#lineStarts[middle] ?? 0) <= at) line = middle;
      else end = middle;
    }
    return { line: line + 1, column: at - (this.#lineStarts[line] ?? 0) + 1 };
  }
}
