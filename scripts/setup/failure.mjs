/** A set-up step that cannot go on, and what the reader can do about it. */
export class SetupFailure extends Error {
  /**
   * @param {string} problem what happened, one line
   * @param {string} remedy how to get on, may have several lines
   */
  constructor(problem, remedy) {
    super(problem);
    this.name = 'SetupFailure';
    this.remedy = remedy;
  }
}

const diskFull = /ENOSPC|No space left on device|not enough space/i;

/**
 * Turns "disk full", in whichever words a tool said it, into one message with its remedy.
 * @param {unknown} error
 * @param {string} folder where the space is missing
 */
export function explain(error, folder) {
  const text = error instanceof Error ? error.message : String(error);
  if (diskFull.test(text)) return diskFullFailure(folder);
  if (error instanceof SetupFailure) return error;
  if (/EACCES|EPERM|EROFS/.test(text))
    return new SetupFailure(`cannot write to ${folder}: ${text}`, 'Make this folder writable for you and run the command again.');
  return error instanceof Error ? error : new SetupFailure(text, 'Run the command again; nothing half-made was kept.');
}

/**
 * @param {string} folder
 * @param {string} [detail]
 */
export function diskFullFailure(folder, detail = '') {
  return new SetupFailure(
    `the disk that holds ${folder} is full${detail}`,
    'Free some space there (a first set-up takes about 1 GB) and run the command again; nothing half-made was kept.',
  );
}
