import { parseAddress, isLoopbackHost, sameAddress, type Address } from '../address.js';
import { InvalidAddressError } from '../errors.js';
import type { Discovery } from './discovery.js';

/** The port of a seed that is written without one: where a node listens if nothing else is said. */
const DEFAULT_SEED_PORT = 7946;

/**
 * A fixed list of addresses at which other nodes may be; one that answers is enough. The list may name this node
 * itself, so every node can be given the same one. Without any address there is nobody to join, and the node
 * waits to be found.
 *
 * ```ts
 * seeds('10.0.0.5:7946', 'db.internal', '[fd00::7]:7946')
 * ```
 *
 * @param addresses `host:port` or `[ipv6]:port`, or without a port for 7946; a list of them does as well
 * @throws InvalidAddressError that names the text which is none
 * @publicApi
 */
export function seeds(...addresses: readonly (string | readonly string[])[]): Discovery {
  const found: Address[] = [];
  for (const text of addresses.flat()) {
    const address = parseSeed(text);
    if (!found.some((known) => sameAddress(known, address))) found.push(address);
  }
  const list = Object.freeze(found);
  return {
    name: 'static',
    loopbackOnly: list.every((address) => isLoopbackHost(address.host)),
    discoverNodes: () => Promise.resolve(list),
  };
}

function parseSeed(text: unknown): Address {
  // Plain JavaScript may hand over anything, an unset environment variable above all.
  if (typeof text !== 'string') throw new InvalidAddressError(String(text));
  const address = parseAddress(text.trim(), DEFAULT_SEED_PORT);
  // "Any free port" can be bound, not dialled.
  if (address.port === 0) throw new InvalidAddressError(text);
  return Object.freeze(address);
}
