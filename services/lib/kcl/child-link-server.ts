import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { PlatformError } from '../process/errors.ts';
import type { MetricsSnapshot } from '../process/metrics.ts';
import { type DoneReason, frame, type Hello } from './child-link.ts';

export interface LinkedChild {
  /** Unique over the launcher's life. */
  readonly id: string;
  readonly pid: number;
  readonly generation: number;
  shardId: string | undefined;
  done: DoneReason | undefined;
  /** performance.now() of the last frame. */
  lastSeen: number;
}

export interface LinkEvents {
  onLog(line: string): void;
  onMetrics(child: LinkedChild, snapshot: MetricsSnapshot): void;
  onJoined(child: LinkedChild): void;
  /** The link has closed; `child.done` tells whether that was expected. */
  onLeft(child: LinkedChild): void;
}

/** Longest path a unix socket can have (sun_path: 108 bytes on Linux, 104 on macOS, one for the final zero). */
export const maxSocketPathBytes = 103;
const maxFrameBytes = 4 * 1024 * 1024;

/** The launcher's end of all child links. */
export class ChildLinkServer {
  readonly #server: Server;
  readonly #events: LinkEvents;
  readonly #children = new Map<Socket, LinkedChild>();
  #sockets = new Set<Socket>();
  #joined = 0;
  /** Only children of this daemon are let in. */
  generation = 0;

  private constructor(events: LinkEvents) {
    this.#events = events;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** `path` must lie in a folder that nobody else may enter. */
  static async listen(path: string, events: LinkEvents): Promise<ChildLinkServer> {
    if (Buffer.byteLength(path) > maxSocketPathBytes) {
      throw new PlatformError('CONFIG_INVALID', `socket path is longer than ${maxSocketPathBytes} bytes, set a shorter TMPDIR: ${path}`);
    }
    const link = new ChildLinkServer(events);
    link.#server.listen(path);
    await once(link.#server, 'listening');
    return link;
  }

  get children(): readonly LinkedChild[] {
    return [...this.#children.values()];
  }

  /** Turns every child away and closes. */
  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = decoder.write(chunk).split('\n');
      lines[0] = rest + lines[0];
      rest = lines.pop() ?? '';
      try {
        for (const line of lines) this.#receive(socket, line);
        if (rest.length > maxFrameBytes) throw new PlatformError('PROTOCOL', 'frame too long');
      } catch {
        socket.destroy(); // whoever speaks something else here is not our child
      }
    });
    socket.on('error', () => {}); // followed by close
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const child = this.#children.get(socket);
      this.#children.delete(socket);
      if (child !== undefined) this.#events.onLeft(child);
    });
  }

  #receive(socket: Socket, line: string): void {
    const kind = line[0];
    const payload = line.slice(1);
    let child = this.#children.get(socket);
    if (child === undefined) {
      const hello = kind === frame.hello ? (JSON.parse(payload) as Hello) : undefined;
      if (hello === undefined || hello.generation !== this.generation) throw new PlatformError('PROTOCOL', 'not a child of this daemon');
      this.#joined += 1;
      child = { ...hello, id: `child-${this.#joined}`, shardId: undefined, done: undefined, lastSeen: performance.now() };
      this.#children.set(socket, child);
      this.#events.onJoined(child);
      return;
    }
    child.lastSeen = performance.now();
    if (kind === frame.log) this.#events.onLog(payload);
    else if (kind === frame.metrics) this.#events.onMetrics(child, JSON.parse(payload) as MetricsSnapshot);
    else if (kind === frame.shard) child.shardId = (JSON.parse(payload) as { shardId: string }).shardId;
    else if (kind === frame.done) child.done = (JSON.parse(payload) as { reason: DoneReason }).reason;
    else throw new PlatformError('PROTOCOL', `unknown frame ${String(kind)}`);
  }
}
