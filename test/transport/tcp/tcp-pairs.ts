import { systemClock } from '../../../src/cluster/system-clock.js';
import type { Address } from '../../../src/address.js';
import type { LinkListener } from '../../../src/transport/link.js';
import type { Lookup } from '../../../src/transport/tcp/name-resolver.js';
import type { SocketSecurity } from '../../../src/transport/tcp/socket-security.js';
import { TcpLinks } from '../../../src/transport/tcp/tcp-links.js';
import type { Connect, TcpLimits } from '../../../src/transport/tcp/tcp-options.js';
import { Acceptor, RecordingHandler } from '../recording-handler.js';

export const ANY_PORT = { host: '127.0.0.1', port: 0 };

const opened: TcpLinks[] = [];

/** To be called after each test. */
export async function closeLinks(): Promise<void> {
  await Promise.all(opened.splice(0).map((links) => links.close()));
}

export interface LinksOptions {
  readonly limits?: Partial<TcpLimits>;
  readonly lookup?: Lookup;
  readonly connect?: Connect;
  readonly security?: SocketSecurity;
  readonly handshakeMs?: number;
}

export function links(options: LinksOptions = {}): TcpLinks {
  const made = new TcpLinks({ clock: systemClock(), ...options });
  opened.push(made);
  return made;
}

export async function listen(options: LinksOptions & { readonly endpoint?: Address } = {}) {
  const acceptor = new Acceptor();
  const server = links(options);
  const listener: LinkListener = await server.listen(options.endpoint ?? ANY_PORT, acceptor.accept, fail);
  return { server, listener, acceptor };
}

export function dial(client: TcpLinks, address: Address, timeoutMs = 2000) {
  return new Promise<{ link?: RecordingHandler; failed?: string; error?: unknown }>((resolve) => {
    client.dial(address, timeoutMs, {
      opened: (link) => {
        const handler = new RecordingHandler(link);
        resolve({ link: handler });
        return handler;
      },
      failed: (failed, error) => resolve({ failed, error }),
    });
  });
}

export async function pair(options: LinksOptions = {}) {
  const { server, listener, acceptor } = await listen(options);
  const client = links(options);
  const here = (await dial(client, listener.address)).link!;
  const there = await acceptor.nth(0);
  for (const end of [here, there]) {
    end.link.allowFrames(1024 * 1024);
    end.link.established();
  }
  return { here, there, server, client };
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function fail(cause: unknown): void {
  throw cause;
}
