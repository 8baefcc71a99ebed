import { renameSync, symlinkSync, writeFileSync } from 'node:fs';

/**
 * Takes a file store's folder away and brings it back, each in one step (rename(2)), so that no reader ever meets a folder that is only
 * missing: that would be a store without objects. The folder's name becomes a link, and for the outage a file.
 */
export class ObjectOutage {
  readonly #folder: string;

  /** `folder` exists, and nobody uses it yet. */
  constructor(folder: string) {
    this.#folder = folder;
    renameSync(folder, `${folder}.kept`);
    symlinkSync(`${folder}.kept`, folder);
  }

  begin(): void {
    const file = `${this.#folder}.away`;
    writeFileSync(file, 'the object store is down\n');
    renameSync(file, this.#folder);
  }

  end(): void {
    const link = `${this.#folder}.back`;
    symlinkSync(`${this.#folder}.kept`, link);
    renameSync(link, this.#folder);
  }
}
