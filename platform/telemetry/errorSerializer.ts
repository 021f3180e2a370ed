const DEEPEST = 5;
const MOST_SIBLINGS = 5;

/** What the log keeps of an error. */
export interface LoggedError {
  type: string;
  code?: string | number;
  message: string;
  stack: string;
  cause?: LoggedError;
  errors?: LoggedError[];
}

/**
 * Keeps code, message and stack, and nothing else: an error of PostgreSQL carries whole rows in `detail` and `where`,
 * others carry requests, headers or parameters.
 */
export function serializeError(error: unknown, depth = 0): LoggedError {
  const { name, code, message, stack, cause, errors } = toParts(error);
  const shown = isSqlDataException(error, code) ? message.replace(/"[^"]*"/g, '"…"') : message;
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type: name,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    message: shown,
    // The head of a stack repeats the message, so it is written anew.
    stack: [`${name}: ${shown}`, ...frames].join('\n'),
    ...(cause !== undefined && depth < DEEPEST && { cause: serializeError(cause, depth + 1) }),
    ...(Array.isArray(errors) &&
      depth < DEEPEST && {
        errors: errors.slice(0, MOST_SIBLINGS).map((sibling: unknown) => serializeError(sibling, depth + 1)),
      }),
  };
}

function toParts(error: unknown) {
  if (typeof error !== 'object' || error === null) {
    // A thrown string may be anything, a secret too.
    return { name: typeof error, code: undefined, message: 'not an Error was thrown', stack: '' };
  }
  const { name, message, stack, code, cause, errors } = error as Record<string, unknown>;
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : '',
    stack: typeof stack === 'string' ? stack : '',
    code,
    cause,
    errors,
  };
}

/** SQLSTATE class 22, such as 'invalid input syntax for type uuid: "…"': its sentence quotes the value itself. */
function isSqlDataException(error: unknown, code: unknown): boolean {
  return typeof code === 'string' && /^22[0-9A-Z]{3}$/.test(code) && 'severity' in (error as object);
}
