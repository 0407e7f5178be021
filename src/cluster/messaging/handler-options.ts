import { InvalidHandlerError, clip } from '../../errors.js';
import { show } from '../option-errors.js';
import type { HandlerOptions } from './handlers.js';

/**
 * Checks how a handler is to be run.
 *
 * @param name which handler, for the error
 * @throws InvalidHandlerError that names handler and option, and says what is allowed
 */
export function checkHandlerOptions(name: string, { concurrency, order }: HandlerOptions): void {
  if (concurrency !== undefined && !(Number.isSafeInteger(concurrency) && concurrency >= 1)) {
    throw new InvalidHandlerError(
      `${clip(name)}: concurrency is ${show(concurrency)}, but must be an integer from 1 on`,
    );
  }
  if (order !== undefined && order !== 'per-sender') {
    throw new InvalidHandlerError(
      `${clip(name)}: order is ${show(order)}, but must be 'per-sender' or left out`,
    );
  }
}
