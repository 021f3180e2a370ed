/** Something that the person at the terminal can understand and mend: shown as its message, without a stack trace. */
export class StackError extends Error {
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}
