import { InvalidAddressError } from './errors.js';

/**
 * Where a node can be dialled: a host (IPv4 or IPv6 literal without brackets, or a name that is resolved when
 * it is dialled) and a TCP port.
 *
 * @publicApi
 */
export interface Address {
  /** An IP literal without brackets, or a name. */
  readonly host: string;
  /** 1–65535; 0 only where an address is asked for rather than advertised ("any free port"). */
  readonly port: number;
}

const MAX_HOST_LENGTH = 253;
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const IPV6_GROUP = /^[0-9a-fA-F]{1,4}$/;
const IPV6_ZONE = /%[A-Za-z0-9_.-]{1,32}$/;
const IPV6_GROUPS = 8;

/**
 * Reads `host:port`, `[ipv6]:port`, or a bare host when `defaultPort` is given.
 *
 * @throws InvalidAddressError that names the text and what is allowed
 * @publicApi
 */
export function parseAddress(text: string, defaultPort?: number): Address {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  if (bracketed) return checkAddress(bracketed[1]!, portOf(bracketed[2], defaultPort, text), text);
  const colon = text.lastIndexOf(':');
  const bareIpv6 = colon !== text.indexOf(':');
  if (colon === -1 || bareIpv6) return checkAddress(text, portOf(undefined, defaultPort, text), text);
  return checkAddress(text.slice(0, colon), portOf(text.slice(colon + 1), defaultPort, text), text);
}

/** `host:port`, with brackets around an IPv6 literal. @publicApi */
export function formatAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether two addresses are written alike; host names compare without case. @publicApi */
export function sameAddress(a: Address, b: Address): boolean {
  return a === b || (a.port === b.port && sameHost(a.host, b.host));
}

/** Hosts are ASCII; most differ in length, or not at all. */
function sameHost(a: string, b: string): boolean {
  return a === b || (a.length === b.length && a.toLowerCase() === b.toLowerCase());
}

/** Whether a host is an IP literal rather than a name. */
export function isIpLiteral(host: string): boolean {
  return IPV4.test(host) || isIpv6(host);
}

/** Whether a host names this machine only (127.0.0.0/8, ::1, localhost). */
export function isLoopbackHost(host: string): boolean {
  const bare = host.toLowerCase();
  return (
    bare === 'localhost' ||
    bare === '::1' ||
    (IPV4.test(bare) && bare.startsWith('127.')) ||
    bare.startsWith('::ffff:127.')
  );
}

/** Whether a host means "every interface" (0.0.0.0, ::), which can be bound but not dialled. */
export function isUnspecifiedHost(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Whether a value that came from outside has the shape of an address that can be dialled. */
export function isAddress(value: unknown): value is Address {
  if (typeof value !== 'object' || value === null) return false;
  const { host, port } = value as { host?: unknown; port?: unknown };
  return isHost(host) && Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65535;
}

/** Eight groups, or fewer with one `::`; the last two may be written as IPv4. */
function isIpv6(host: string): boolean {
  const bare = host.replace(IPV6_ZONE, '');
  if (bare.length > 45 || !bare.includes(':')) return false;
  const halves = bare.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const endsAsIpv4 = last !== undefined && IPV4.test(last);
  const hex = endsAsIpv4 ? groups.slice(0, -1) : groups;
  if (!hex.every((group) => IPV6_GROUP.test(group))) return false;
  const count = hex.length + (endsAsIpv4 ? 2 : 0);
  return halves.length === 2 ? count < IPV6_GROUPS : count === IPV6_GROUPS;
}

/** Whether a text is an IP literal or a host name, without brackets and port. */
export function isHost(host: unknown): host is string {
  return (
    typeof host === 'string' && host.length <= MAX_HOST_LENGTH && (isIpLiteral(host) || HOST_NAME.test(host))
  );
}

function portOf(digits: string | undefined, defaultPort: number | undefined, text: string): number {
  if (digits !== undefined && /^\d{1,5}$/.test(digits)) return Number(digits);
  if (digits === undefined && defaultPort !== undefined) return defaultPort;
  throw new InvalidAddressError(text);
}

function checkAddress(host: string, port: number, text: string): Address {
  if (!isHost(host) || port > 65535) throw new InvalidAddressError(text);
  return { host, port };
}
