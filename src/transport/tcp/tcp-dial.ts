import type { Socket } from 'node:net';
import { formatAddress, isIpLiteral, isUnspecifiedHost, type Address } from '../../address.js';
import type { Clock, Timer } from '../../clock.js';
import { setDeadline } from '../deadline.js';
import { DialError } from '../dial-error.js';
import type { Dial } from '../link.js';
import type { NameResolver } from './name-resolver.js';
import type { SecureChannel, SocketSecurity } from './socket-security.js';
import { codeOf } from './system-error.js';

/** Failures that are about this process or machine, and say nothing about the peer (decisions 3). */
const LOCAL = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'EPERM']);

/** What a dial needs of the links that it belongs to. */
export interface DialContext {
  readonly clock: Clock;
  readonly names: NameResolver;
  readonly security: SocketSecurity;
  connect(ip: string, port: number): Socket;
}

/** Exactly one is called, unless the dial is cancelled. */
export interface DialResult {
  opened(connection: Socket, channel: SecureChannel): void;
  failed(report: 'refused' | 'silent' | 'local', error: unknown): void;
}

/**
 * One dial to one address: names are resolved first, and their IPs tried one after the other within one deadline.
 * `refused` needs every IP of the name to refuse.
 */
export class TcpDial implements Dial {
  private done = false;
  private socket: Socket | undefined;
  /** The IP that is tried now. */
  private ip: string | undefined;
  private readonly deadline: Timer;

  constructor(
    private readonly context: DialContext,
    private readonly address: Address,
    private readonly timeoutMs: number,
    private readonly result: DialResult,
  ) {
    this.deadline = setDeadline(context.clock, timeoutMs, () => this.expire());
    void this.run();
  }

  cancel(): void {
    this.finish();
    this.socket?.destroy();
  }

  private async run(): Promise<void> {
    const { host } = this.address;
    // Callbacks come later than the dial, always.
    await Promise.resolve();
    if (isUnspecifiedHost(host)) {
      this.fail(
        'silent',
        'it stands for "every interface" and cannot be dialled. Set "advertise" on that node',
      );
      return;
    }
    let ips: readonly string[];
    try {
      ips = isIpLiteral(host) ? [host] : await this.context.names.resolve(host);
    } catch (cause) {
      this.fail('silent', `the name does not resolve (${codeOf(cause) ?? String(cause)})`, cause);
      return;
    }
    if (ips.length > 0) this.attempt(ips, 0, true);
    else this.fail('silent', 'the name has no address');
  }

  private attempt(ips: readonly string[], index: number, allRefused: boolean): void {
    if (this.done) return;
    const ip = ips[index]!;
    let failure: Error | undefined;
    let problem: string | undefined;
    let insecure: Error | undefined;
    const socket = this.context.connect(ip, this.address.port);
    this.socket = socket;
    this.ip = ip;
    // For the whole life of the socket: whoever takes it over adds a listener beside this one.
    socket.on('error', (error) => (failure ??= error));
    const closed = () => {
      const code = codeOf(failure);
      const refused = allRefused && code === 'ECONNREFUSED';
      if (index + 1 < ips.length) this.attempt(ips, index + 1, refused);
      else if (insecure !== undefined) this.finished('silent', insecure);
      else {
        problem ??= failure?.message ?? 'the connection was closed at once';
        this.fail(reportOf(code, refused), problem, failure);
      }
    };
    socket.once('close', closed);
    socket.once('connect', () => {
      if (this.done) return;
      if (connectedToItself(socket)) {
        problem = 'nobody listens there: the connection was made with itself';
        socket.destroy();
        return;
      }
      this.context.security.dialled(socket, formatAddress(this.address), {
        secured: (channel) => {
          if (this.done) return;
          socket.removeListener('close', closed);
          if (ip !== this.address.host) this.context.names.succeeded(this.address.host, ip);
          this.finish();
          this.result.opened(socket, channel);
        },
        failed: ({ error }) => {
          insecure ??= error;
          socket.destroy();
        },
      });
    });
  }

  private expire(): void {
    this.socket?.destroy();
    this.fail('silent', `no answer within ${this.timeoutMs} ms`);
  }

  private fail(report: 'refused' | 'silent' | 'local', problem: string, cause?: unknown): void {
    this.finished(report, new DialError(this.address, problem, { cause }));
  }

  private finished(report: 'refused' | 'silent' | 'local', error: Error): void {
    if (this.done) return;
    const { host } = this.address;
    if (report !== 'local' && this.ip !== undefined && this.ip !== host)
      this.context.names.failed(host, this.ip);
    this.finish();
    this.result.failed(report, error);
  }

  private finish(): void {
    this.done = true;
    this.deadline.cancel();
  }
}

function reportOf(code: string | undefined, refused: boolean): 'refused' | 'silent' | 'local' {
  if (refused) return 'refused';
  return code !== undefined && LOCAL.has(code) ? 'local' : 'silent';
}

/** Linux may give a dial to a port of its own range that very port, and the socket then talks to itself. */
function connectedToItself(socket: Socket): boolean {
  return socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress;
}
