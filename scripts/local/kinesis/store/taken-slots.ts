const firstGroups = 8;

/**
 * Slots of a rate by the time (ms) they were taken for, earliest first; times may lie ahead. In rings of numbers, since several
 * groups come and go with every record that is put.
 */
export class TakenSlots {
  #atMs = new Float64Array(firstGroups);
  #slots = new Float64Array(firstGroups);
  #first = 0;
  /** How many different times there are. */
  groups = 0;
  /** Of all groups. */
  slots = 0;

  /** Of the group `index`, 0 being the earliest. */
  atMs(index: number): number {
    return this.#atMs[this.#place(index)] ?? 0;
  }

  slotsAt(index: number): number {
    return this.#slots[this.#place(index)] ?? 0;
  }

  /** `atMs` must not lie before that of the latest group. */
  add(atMs: number, slots: number): void {
    this.slots += slots;
    const latest = this.#place(this.groups - 1);
    if (this.groups > 0 && this.#atMs[latest] === atMs) {
      this.#slots[latest] = (this.#slots[latest] ?? 0) + slots;
      return;
    }
    if (this.groups === this.#atMs.length) this.#grow();
    const place = this.#place(this.groups++);
    this.#atMs[place] = atMs;
    this.#slots[place] = slots;
  }

  /** Takes at most `wanted` slots of the earliest group for `laterMs` later; how many it were. */
  moveFirst(wanted: number, laterMs: number): number {
    const atMs = this.atMs(0);
    const had = this.slotsAt(0);
    const moved = Math.min(had, wanted);
    if (moved === had) this.dropFirst();
    else {
      this.#slots[this.#first] = had - moved;
      this.slots -= moved;
    }
    this.add(atMs + laterMs, moved);
    return moved;
  }

  dropFirst(): void {
    this.slots -= this.slotsAt(0);
    this.#first = this.#place(1);
    this.groups -= 1;
  }

  #place(index: number): number {
    return (this.#first + index) & (this.#atMs.length - 1); // lengths are powers of two
  }

  #grow(): void {
    const times = new Float64Array(this.groups * 2);
    const slots = new Float64Array(this.groups * 2);
    for (let i = 0; i < this.groups; i++) {
      times[i] = this.atMs(i);
      slots[i] = this.slotsAt(i);
    }
    this.#atMs = times;
    this.#slots = slots;
    this.#first = 0;
  }
}
