/**
 * PARAMETER_INVALID: a window, trigger or operator cannot be made so. RECORD_INVALID: a record's time or value cannot be used; nothing
 * was changed. STATE_INVALID: state cannot be kept or restored as asked. All are defects of the caller, none helped by a retry.
 */
export type WindowErrorCode = 'PARAMETER_INVALID' | 'RECORD_INVALID' | 'STATE_INVALID';

export class WindowError extends Error {
  override readonly name = 'WindowError';
  readonly code: WindowErrorCode;

  constructor(code: WindowErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
