import type { Address } from '../address.js';
import { InvalidOptionError } from '../errors.js';
import type { Discovery } from './discovery.js';

/** Options of {@link loopback}. @publicApi */
export interface LoopbackOptions {
  /** The first port of the range, 1–65535. Default: 7946. */
  readonly first?: number | undefined;
  /** The last port of the range, at most 255 above the first. Default: 7977, or 31 above the first. */
  readonly last?: number | undefined;
}

const HOST = '127.0.0.1';
const FIRST_PORT = 7946;
/** Every port is dialled at each look-around: 32 refused dials take 11 ms. */
const DEFAULT_PORTS = 32;
const MAX_PORTS = 256;
const MAX_PORT = 65535;

/**
 * Processes on this machine find each other without any configuration: each takes the first free port of a small
 * range on 127.0.0.1, and dials the others.
 *
 * All nodes need the same range. More nodes than ports do not fit; a node with a port of its own outside the range
 * is not found, though it finds the others.
 *
 * @throws InvalidOptionError when the range is none
 * @publicApi
 */
export function loopback(options: LoopbackOptions = {}): Discovery {
  const first = options.first ?? FIRST_PORT;
  checkPort('loopback.first', first);
  const last = options.last ?? Math.min(first + DEFAULT_PORTS - 1, MAX_PORT);
  checkPort('loopback.last', last);
  if (last < first || last - first >= MAX_PORTS) {
    throw new InvalidOptionError(
      'loopback.last',
      `is ${last}: a port from ${first} (the first) to ${Math.min(first + MAX_PORTS - 1, MAX_PORT)} is expected`,
    );
  }
  const addresses: readonly Address[] = Object.freeze(
    Array.from({ length: last - first + 1 }, (_, i) => Object.freeze({ host: HOST, port: first + i })),
  );
  return {
    name: 'loopback',
    loopbackOnly: true,
    portRange: Object.freeze({ first, last }),
    discoverNodes: () => Promise.resolve(addresses),
  };
}

function checkPort(option: string, port: unknown): void {
  if (Number.isInteger(port) && (port as number) >= 1 && (port as number) <= MAX_PORT) return;
  throw new InvalidOptionError(option, `is ${String(port)}: a port from 1 to ${MAX_PORT} is expected`);
}
