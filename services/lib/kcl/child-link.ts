import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { PlatformError } from '../process/errors.ts';
import type { MetricsSnapshot } from '../process/metrics.ts';

/**
 * What a child tells its launcher, over a unix socket: one frame a line, its first character is the kind.
 * A child's stdout belongs to the daemon's protocol, and the daemon repeats its stderr: so everything goes this way.
 */
export const frame = {
  hello: 'H', // JSON Hello, the first frame
  shard: 'S', // JSON { shardId }
  log: 'L', // one JSON log line as it goes to the container's stdout
  metrics: 'M', // JSON MetricsSnapshot, once a second: also the sign of life
  done: 'D', // JSON { reason: DoneReason }: the link may close now, the child has nothing under way
} as const;

export interface Hello {
  readonly pid: number;
  /** Which daemon, counted by the launcher: a child of an earlier one is turned away. */
  readonly generation: number;
}

/** `stdinClosed`: the daemon closed the child's input without having said why. */
export type DoneReason = 'leaseLost' | 'shardEnded' | 'stdinClosed';

/** How a child finds its launcher, and what the launcher found out for it. Set by the launcher, inherited through the daemon. */
export const childEnvironmentKeys = {
  linkPath: 'KCL_LINK_PATH',
  generation: 'KCL_LINK_GENERATION',
  streamId: 'KCL_STREAM_ID',
  workerId: 'KCL_CHILD_WORKER_ID',
} as const;

const connectDeadlineMs = 5_000;
const flushDeadlineMs = 2_000;
/** Beyond this the launcher does not keep up: lines are dropped and counted rather than held in the child's memory. */
const maxBufferedBytes = 8 * 1024 * 1024;
const maxLineLength = 262_144;

/** The child's end. */
export class ChildLink {
  readonly #socket: Socket;
  #closing = false;
  #droppedLines = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** `onLost`: the launcher is gone, or has turned this child away. Rejects with DAEMON_FAILED. */
  static async connect(path: string, hello: Hello, onLost: () => void): Promise<ChildLink> {
    const socket = createConnection(path);
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(connectDeadlineMs) });
    } catch (cause) {
      socket.destroy();
      throw new PlatformError('DAEMON_FAILED', 'the launcher does not take the link', { cause });
    }
    const link = new ChildLink(socket);
    socket.on('error', () => {}); // followed by close
    socket.resume(); // nothing is sent to a child, but its end must be seen
    socket.once('close', () => {
      if (!link.#closing) onLost();
    });
    link.#send(frame.hello, JSON.stringify(hello));
    return link;
  }

  /** Lines dropped since the last call, because they were too long or the launcher did not read. */
  takeDroppedLines(): number {
    const dropped = this.#droppedLines;
    this.#droppedLines = 0;
    return dropped;
  }

  /** `line`: one JSON object, with or without its line break. */
  log(line: string): void {
    if (this.#socket.writableLength > maxBufferedBytes || line.length > maxLineLength) this.#droppedLines += 1;
    else this.#send(frame.log, line);
  }

  shard(shardId: string): void {
    this.#send(frame.shard, JSON.stringify({ shardId }));
  }

  metrics(snapshot: MetricsSnapshot): void {
    if (this.#socket.writableLength <= maxBufferedBytes) this.#send(frame.metrics, JSON.stringify(snapshot));
  }

  /** Says that nothing is under way any more and closes. Resolves when everything sent has left, or after 2 s. */
  done(reason: DoneReason): Promise<void> {
    this.#send(frame.done, JSON.stringify({ reason }));
    return this.flush();
  }

  /** Closes; without `done` before, the launcher takes it for a crash. */
  async flush(): Promise<void> {
    this.#closing = true;
    if (this.#socket.destroyed) return;
    const finished = new Promise<void>((resolve) => this.#socket.end(() => resolve()));
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, flushDeadlineMs)));
    await Promise.race([finished, closed, late]);
    clearTimeout(timer);
  }

  #send(kind: string, payload: string): void {
    if (!this.#socket.writable) return;
    this.#socket.write(payload.endsWith('\n') ? `${kind}${payload}` : `${kind}${payload}\n`);
  }
}
