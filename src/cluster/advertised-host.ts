import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { isUnspecifiedHost, type Address } from '../address.js';
import type { ResolvedOptions } from './options.js';

/** Where a node is going to be told to be, before it listens: what its options say. */
export function plannedAddress({ advertise, host, port }: ResolvedOptions): Address {
  return { host: advertise.host ?? host, port: advertise.port ?? port ?? 0 };
}

/**
 * The host to advertise for a node that listens on every interface: the first address of this machine that others
 * can dial, those of the asked family first. Undefined when the node listens on one address, or there is no other
 * than loopback.
 */
export function hostToAdvertise(
  listening: string,
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): string | undefined {
  if (!isUnspecifiedHost(listening)) return undefined;
  const preferred = listening === '::' ? 'IPv6' : 'IPv4';
  const external = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    // A link-local address means nothing without its interface, which the other side does not have.
    .filter(
      ({ internal, address }) => !internal && !address.startsWith('fe80:') && !address.startsWith('169.254.'),
    );
  // A node on "::" answers IPv4 too; one on 0.0.0.0 does not answer IPv6.
  const fit = preferred === 'IPv4' ? external.filter(({ family }) => family === 'IPv4') : external;
  return (fit.find(({ family }) => family === preferred) ?? fit[0])?.address;
}
