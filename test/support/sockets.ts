import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Listener {
  /** As the kernel writes it: hexadecimal, in host byte order. */
  readonly address: string;
  readonly port: number;
}

const listening = '0A';

/** TCP sockets that the processes listen on, read from the kernel (Linux only; proc_net(5)). */
export function listenersOf(pids: readonly number[]): Listener[] {
  const inodes = new Set(pids.flatMap(socketInodes));
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    readFileSync(table, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === listening && inodes.has(fields[9] ?? ''))
      .map((fields) => {
        const [address = '', port = ''] = (fields[1] ?? '').split(':');
        return { address, port: Number.parseInt(port, 16) };
      }),
  );
}

/** 127.0.0.1, the same mapped into IPv6, and ::1. */
const loopback = new Set(['0100007F', '0000000000000000FFFF00000100007F', '00000000000000000000000001000000']);
export const isLoopback = ({ address }: Listener): boolean => loopback.has(address);

function socketInodes(pid: number): string[] {
  return descriptorsOf(pid).flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}

/** What the descriptors of a process lead to. One that was closed meanwhile is left out, as are those of a process that ended. */
function descriptorsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return tryOr<string[]>(() => readdirSync(folder), []).flatMap((fd) => tryOr<string[]>(() => [readlinkSync(`${folder}/${fd}`)], []));
}

function tryOr<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
