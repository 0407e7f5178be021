import type { AddressInfo, Server, Socket } from 'node:net';
import type { Address } from '../../address.js';
import type { Clock } from '../../clock.js';
import type { ClusterLogger } from '../../logger.js';
import type { LinkListener } from '../link.js';
import { bindError } from './bind-hint.js';

/** When accepting fails it fails in floods: one line in so many milliseconds. */
const QUIET_MS = 10_000;

export interface ListenerContext {
  readonly clock: Clock;
  readonly logger: ClusterLogger;
}

/** A bound server. */
export class TcpListener implements LinkListener {
  private closing = false;

  private constructor(
    private readonly server: Server,
    readonly address: Address,
    private readonly onClose: (listener: TcpListener) => void,
  ) {}

  /**
   * Binds a server.
   *
   * @param server not listening yet; whoever made it accepts its sockets
   * @throws BindError
   */
  static async bind(
    server: Server,
    endpoint: Address,
    context: ListenerContext,
    on: { close(listener: TcpListener): void; lost(cause: unknown): void },
  ): Promise<TcpListener> {
    // Under Node's cluster module workers would share the port, and one address would answer with several ids.
    const options = { host: endpoint.host, port: endpoint.port, exclusive: true };
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(bindError(endpoint, cause)));
      try {
        server.listen(options, resolve);
      } catch (cause) {
        reject(bindError(endpoint, cause));
      }
    });
    const { address, port } = server.address() as AddressInfo;
    const listener = new TcpListener(server, { host: address, port }, on.close);
    listener.watch(context, on.lost);
    return listener;
  }

  /** The port is free again when this returns; accepted sockets live on. */
  close(): Promise<void> {
    if (!this.closing) {
      this.closing = true;
      this.server.close();
      this.onClose(this);
    }
    return Promise.resolve();
  }

  private watch({ clock, logger }: ListenerContext, lost: (cause: unknown) => void): void {
    let last: unknown;
    let quietUntilMs = Number.NEGATIVE_INFINITY;
    this.server.removeAllListeners('error');
    // A failed accept (EMFILE) is reported here too; the listener lives on after it.
    this.server.on('error', (error) => {
      last = error;
      if (clock.now() < quietUntilMs) return;
      quietUntilMs = clock.now() + QUIET_MS;
      logger.error(`A connection could not be accepted: ${error.message}`, error);
    });
    this.server.on('close', () => {
      if (this.closing) return;
      this.closing = true;
      this.onClose(this);
      lost(last);
    });
  }
}

/** The IP and port of the other side; undefined when it is gone already. */
export function remoteOf(socket: Socket): Address | undefined {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { host: remoteAddress.replace(/^::ffff:(?=\d+\.)/, ''), port: remotePort };
}
