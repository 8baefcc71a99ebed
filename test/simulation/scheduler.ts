/** Mulberry32: 32 bits of state are plenty for a schedule, and a seed is one number. */
export function randomOf(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Parked {
  readonly actor: Actor;
  readonly label: string;
  readonly go: () => void;
  readonly settled: Promise<void>;
  /** Not before, on the simulated clock. */
  readonly dueAt: number;
}

/** One process of the simulated system: a chain of calls, each of which waits until the scheduler picks it. */
export class Actor {
  readonly name: string;
  alive = true;
  parked = 0;
  onDeath: () => Promise<void> = async () => {};

  /** Resolves when the process is dead or done. */
  readonly gone: Promise<void>;
  leave: () => void = () => {};

  constructor(name: string) {
    this.name = name;
    this.gone = new Promise((resolve) => {
      this.leave = resolve;
    });
  }
}

export type Fate = 'runs' | 'diesBefore' | 'diesAfter' | 'failsBefore' | 'failsAfter';

/**
 * Runs actors one call at a time in an order that a seed decides, and lets calls end as real ones do: the process dies before or after
 * the effect, or the effect happens and the answer is lost.
 */
export class Scheduler {
  readonly random: () => number;
  /** Milliseconds of the simulated clock. */
  now = 1_800_000_000_000;
  readonly trace: string[] = [];
  readonly #parked: Parked[] = [];
  readonly #actors = new Set<Actor>();
  fate: (actor: Actor, label: string) => Fate = () => 'runs';
  /** Whether a call can go on now: one that waits for a lock cannot. */
  runnable: (actor: Actor, label: string) => boolean = () => true;

  constructor(seed: number) {
    this.random = randomOf(seed);
  }

  start(actor: Actor, body: () => Promise<void>): void {
    this.#actors.add(actor);
    const end = (): void => {
      // What still runs in the background ends with its process.
      actor.alive = false;
      this.#forget(actor);
      actor.leave();
    };
    body().then(end, (error: unknown) => {
      if (actor.alive) this.failure ??= error;
      end();
    });
  }

  /** What a body rejected with: a defect, unless the actor was dead. */
  failure: unknown;

  async call<T>(actor: Actor, label: string, effect: () => Promise<T>, fault: () => Error): Promise<T> {
    if (!actor.alive) return never();
    const settle = await this.#turn(actor, label, 0);
    try {
      const fate = this.fate(actor, label);
      this.trace.push(`${actor.name} ${label}${fate === 'runs' ? '' : ` ${fate}`}`);
      if (fate === 'diesBefore') return await this.#die(actor);
      if (fate === 'failsBefore') throw fault();
      const result = await effect();
      if (fate === 'diesAfter') return await this.#die(actor);
      if (fate === 'failsAfter') throw fault();
      return result;
    } finally {
      settle();
    }
  }

  /** Resolves when the simulated clock has gone on by `ms`. */
  async sleep(actor: Actor, ms: number): Promise<void> {
    if (!actor.alive) return never();
    const settle = await this.#turn(actor, 'sleep', this.now + ms);
    settle();
  }

  /** Resolves when it is the call's turn, to what says that it is done. */
  async #turn(actor: Actor, label: string, dueAt: number): Promise<() => void> {
    let settle = (): void => {};
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    actor.parked += 1;
    await new Promise<void>((go) => {
      this.#parked.push({ actor, label, go, settled, dueAt });
    });
    actor.parked -= 1;
    return settle;
  }

  async #die(actor: Actor): Promise<never> {
    await this.kill(actor);
    return never();
  }

  async kill(actor: Actor): Promise<void> {
    if (!actor.alive) return;
    actor.alive = false;
    this.#forget(actor);
    await actor.onDeath();
    actor.leave();
  }

  #forget(actor: Actor): void {
    this.#actors.delete(actor);
    for (let i = this.#parked.length - 1; i >= 0; i--) if (this.#parked[i]?.actor === actor) this.#parked.splice(i, 1);
  }

  /** Runs calls until no actor is left. */
  async run(maxSteps: number): Promise<void> {
    for (let step = 0; this.#actors.size > 0; step++) {
      if (step > maxSteps) throw new Error(`no end after ${maxSteps} steps`);
      await this.#quiescent();
      if (this.failure !== undefined) throw this.failure;
      if (this.#actors.size === 0) return;
      const awake = this.#parked.filter(({ actor, label }) => this.runnable(actor, label));
      this.now = Math.max(this.now, Math.min(...awake.map(({ dueAt }) => dueAt), Number.MAX_SAFE_INTEGER)); // nothing else to do: time passes
      const ready = awake.filter(({ dueAt }) => dueAt <= this.now);
      const next = ready[Math.floor(this.random() * ready.length)];
      if (next === undefined) throw new Error(`all wait: ${this.#parked.map((p) => `${p.actor.name} ${p.label}`).join('; ')}`);
      this.#parked.splice(this.#parked.indexOf(next), 1);
      this.now += Math.floor(this.random() * 40);
      next.go();
      await Promise.race([next.settled, next.actor.gone]);
    }
  }

  /** Every live actor waits for the scheduler: between two calls it may use real asynchrony, such as zlib's. */
  async #quiescent(): Promise<void> {
    do await immediate();
    while ([...this.#actors].some((actor) => actor.parked === 0));
    await immediate();
  }
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = <T>(): Promise<T> => new Promise<T>(() => {});
