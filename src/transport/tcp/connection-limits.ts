import { ProtocolViolationError } from '../../errors.js';
import type { TcpLimits } from './tcp-options.js';

/** Counts the connections that strangers hold open, and says when it is enough. */
export class ConnectionLimits {
  private unauthenticated = 0;
  private readonly perNetwork = new Map<string, number>();

  constructor(readonly limits: TcpLimits) {}

  /**
   * Whether one more may be accepted; `open` counts those that there are.
   *
   * @returns what is wrong, with the counter's word, or undefined
   */
  objection(ip: string, open: number): ProtocolViolationError | undefined {
    const { connections, unauthenticatedConnections, unauthenticatedPerAddress } = this.limits;
    if (open >= connections) return over('too-many-connections', connections, 'connections');
    if (this.unauthenticated >= unauthenticatedConnections) {
      return over('too-many-unauthenticated', unauthenticatedConnections, 'connections without a handshake');
    }
    if ((this.perNetwork.get(networkOf(ip)) ?? 0) >= unauthenticatedPerAddress) {
      return over(
        'too-many-from-address',
        unauthenticatedPerAddress,
        `connections without a handshake from ${ip}`,
      );
    }
    return undefined;
  }

  /** Counts an accepted connection; the result ends that, once, when it is established or gone. */
  enter(ip: string): () => void {
    const network = networkOf(ip);
    this.unauthenticated++;
    this.perNetwork.set(network, (this.perNetwork.get(network) ?? 0) + 1);
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      this.unauthenticated--;
      const left = this.perNetwork.get(network)! - 1;
      if (left > 0) this.perNetwork.set(network, left);
      else this.perNetwork.delete(network);
    };
  }
}

/** An IPv4 address, or the first 64 bits of an IPv6 address: who has one of those has 2^64. */
export function networkOf(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = ip.split('%', 1)[0]!.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const after = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  while (groups.length + after.length < 8) groups.push('0');
  return `${[...groups, ...after].slice(0, 4).join(':')}::/64`;
}

function over(word: string, limit: number, what: string): ProtocolViolationError {
  return new ProtocolViolationError(word, `There are ${limit} ${what} already, which is the limit`);
}
