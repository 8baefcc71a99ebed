import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const chunkBytes = 65_536;

/** Reads a log file that another process writes, line by line, from where it stood when this was made. */
export class LogTail {
  readonly #file: string;
  #offset: number;
  #partial = '';

  constructor(file: string) {
    this.#file = file;
    this.#offset = this.#withFile((fd) => fstatSync(fd).size);
  }

  /** Whole lines since the last call. */
  readLines(): string[] {
    const bytes = this.#withFile((fd) => {
      const parts: Buffer[] = [];
      for (;;) {
        const chunk = Buffer.allocUnsafe(chunkBytes);
        const read = readSync(fd, chunk, 0, chunkBytes, this.#offset);
        if (read === 0) return Buffer.concat(parts);
        parts.push(chunk.subarray(0, read));
        this.#offset += read;
      }
    });
    const lines = (this.#partial + bytes.toString('utf8')).split('\n');
    this.#partial = lines.pop() ?? '';
    return lines;
  }

  #withFile<T>(use: (fd: number) => T): T {
    const fd = openSync(this.#file, 'r');
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  }
}
