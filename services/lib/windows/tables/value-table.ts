export type Scalar = string | number | boolean | null;

/** Live values as small numbers, told apart by type and value, each kept as long as it is held. */
export class ValueTable {
  readonly #handles = new Map<Scalar, number>();
  readonly #values: (Scalar | undefined)[] = [];
  readonly #holders: number[] = [];
  readonly #vacant: number[] = [];

  /** Values held. */
  get size(): number {
    return this.#handles.size;
  }

  /** Undefined when nobody holds the value. */
  find(value: Scalar): number | undefined {
    return this.#handles.get(value);
  }

  /** The value's handle, held once more. */
  hold(value: Scalar): number {
    let handle = this.#handles.get(value);
    if (handle === undefined) {
      handle = this.#vacant.pop() ?? this.#values.length;
      this.#handles.set(value, handle);
      this.#values[handle] = value;
      this.#holders[handle] = 0;
    }
    this.#holders[handle] = (this.#holders[handle] as number) + 1;
    return handle;
  }

  /** Held once less; the last time the handle becomes another value's. */
  release(handle: number): void {
    const left = (this.#holders[handle] as number) - 1;
    this.#holders[handle] = left;
    if (left > 0) return;
    this.#handles.delete(this.valueOf(handle));
    this.#values[handle] = undefined;
    this.#vacant.push(handle);
  }

  valueOf(handle: number): Scalar {
    return this.#values[handle] as Scalar;
  }
}
