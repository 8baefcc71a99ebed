/** Error names of the Kinesis API that this server answers (API reference: each operation's errors, and Common Errors). */
export type ApiErrorCode =
  | 'AccessDeniedException'
  | 'DryRunOperationException'
  | 'ExpiredIteratorException'
  | 'ExpiredNextTokenException'
  | 'InternalFailure'
  | 'InvalidArgumentException'
  | 'LimitExceededException'
  | 'ProvisionedThroughputExceededException'
  | 'RequestEntityTooLargeException'
  | 'ResourceInUseException'
  | 'ResourceNotFoundException'
  | 'SerializationException'
  | 'ServiceUnavailable'
  | 'UnknownOperationException'
  | 'UnsupportedOperationException'
  | 'ValidationException';

const otherStatus: { readonly [code in ApiErrorCode]?: number } = {
  InternalFailure: 500,
  RequestEntityTooLargeException: 413,
  ServiceUnavailable: 503,
};

/** What a caller is told: the answer's __type, message and HTTP status (400 unless AWS uses another). */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly status: number;

  constructor(code: ApiErrorCode, message: string) {
    super(message);
    this.code = code;
    this.status = otherStatus[code] ?? 400;
  }
}

export const invalidArgument = (message: string): ApiError => new ApiError('InvalidArgumentException', message);
export const notFound = (message: string): ApiError => new ApiError('ResourceNotFoundException', message);
export const malformed = (message: string): ApiError => new ApiError('SerializationException', message);

/** Members that break constraints of the API reference; AWS names all of a request's at once. */
export class ConstraintError extends ApiError {
  readonly breaches: readonly string[];

  constructor(breaches: readonly string[]) {
    super('ValidationException', `${breaches.length} validation error${breaches.length === 1 ? '' : 's'} detected: ${breaches.join('; ')}`);
    this.breaches = breaches;
  }
}

/** `path` is the member as AWS writes it: lower camel case, `records.1.member.data` inside lists; each constraint follows "Member must". */
export function constraintBroken(path: string, value: unknown, ...constraints: readonly string[]): ConstraintError {
  return requirementBroken(
    path,
    value,
    constraints.map((constraint) => `Member must ${constraint}`),
  );
}

/** As constraintBroken, with the whole sentence of each constraint. */
export function requirementBroken(path: string, value: unknown, requirements: readonly string[]): ConstraintError {
  const shown = value == null ? 'null' : `'${(typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value)).slice(0, 200)}'`;
  return new ConstraintError(requirements.map((requirement) => `Value ${shown} at '${path}' failed to satisfy constraint: ${requirement}`));
}
