import { InvalidOptionError, SerializationError } from '../../errors.js';
import { show } from '../option-errors.js';

/** @throws SerializationError for a payload that is no bytes */
export function checkBytes(payload: unknown): void {
  if (payload instanceof Uint8Array) return;
  throw new SerializationError(
    'send and broadcast take bytes (a Uint8Array or Buffer); emit takes any value that the serializer takes',
  );
}

/** @throws InvalidOptionError that says what a timeout may be */
export function checkTimeout(timeoutMs: unknown): number {
  if (typeof timeoutMs === 'number' && timeoutMs >= 1 && timeoutMs < 2 ** 31) return timeoutMs;
  throw new InvalidOptionError(
    'timeoutMs',
    `is ${show(timeoutMs)}, but must be a number of milliseconds from 1 to 2^31`,
  );
}

/** @throws InvalidOptionError for a `where` that cannot be called */
export function checkWhere(where: unknown): void {
  if (where === undefined || typeof where === 'function') return;
  throw new InvalidOptionError('where', `is ${show(where)}, but must be a function of a member`);
}
