/** A variable has a value that it must not have. The message is one line, for a person. */
export class EnvironmentError extends Error {
  /** @param value undefined where it is secret, or beside the point; the message then shows none */
  constructor(
    readonly variable: string,
    value: string | undefined,
    allowed: string,
    options?: ErrorOptions,
  ) {
    const problem = value === undefined ? allowed : `is not allowed: ${allowed}`;
    super(`${variable}${value === undefined ? '' : `=${JSON.stringify(value)}`} ${problem}`, options);
    this.name = 'EnvironmentError';
  }
}
