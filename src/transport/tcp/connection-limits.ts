import { ProtocolViolationError } from '../../errors.js';
import type { TcpLimits } from './tcp-options.js';

/** Counts the connections that strangers hold open, and says when it is enough. */
export class ConnectionLimits {
  private unauthenticated = 0;
  private readonly perIp = new Map<string, number>();

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
    if ((this.perIp.get(ip) ?? 0) >= unauthenticatedPerAddress) {
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
    this.unauthenticated++;
    this.perIp.set(ip, (this.perIp.get(ip) ?? 0) + 1);
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      this.unauthenticated--;
      const left = this.perIp.get(ip)! - 1;
      if (left > 0) this.perIp.set(ip, left);
      else this.perIp.delete(ip);
    };
  }
}

function over(word: string, limit: number, what: string): ProtocolViolationError {
  return new ProtocolViolationError(word, `There are ${limit} ${what} already, which is the limit`);
}
