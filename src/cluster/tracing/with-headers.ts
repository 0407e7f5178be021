import type { SendOptions } from '../../membership/membership.js';
import type { Headers } from '../messaging/envelope.js';

/** The same options with these headers; the same object when it has them already. */
export function withHeaders<Options extends SendOptions | undefined>(
  options: Options,
  headers: Headers | undefined,
): Options {
  return headers === options?.headers ? options : { ...options, headers };
}
