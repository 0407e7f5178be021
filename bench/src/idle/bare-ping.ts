import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Of a ping, and of its ack. */
const BYTES = 16;
const INTERVAL_MS = 1000;
const HOST = '127.0.0.1';
const PING = Buffer.alloc(BYTES, 1);
const ACK = Buffer.alloc(BYTES, 2);

/** Over connections that stay, or over a new one for each ping. */
export type BareKind = 'kept' | 'fresh';

/**
 * The least that watches others over TCP: once a second a small ping to any other node, answered by an ack. There is no
 * membership, no frame and no check: what this costs, any failure detector of that kind does.
 */
export class BarePing {
  readonly #kind: BareKind;
  readonly #server: Server;
  readonly #kept = new Map<number, Socket>();
  #peers: readonly number[] = [];

  constructor(kind: BareKind) {
    this.#kind = kind;
    this.#server = createServer({ noDelay: true }, acknowledge);
  }

  /** @returns the port */
  async listen(): Promise<number> {
    this.#server.listen({ port: 0, host: HOST, backlog: 511 });
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connects to all of them first where connections are kept: what is measured is their use. */
  async start(peers: readonly number[]): Promise<void> {
    this.#peers = peers;
    if (this.#kind === 'kept') for (const port of peers) await this.#connect(port);
    setTimeout(() => {
      this.#ping();
      setInterval(() => this.#ping(), INTERVAL_MS);
    }, Math.random() * INTERVAL_MS);
  }

  async #connect(port: number): Promise<void> {
    const socket = connect({ port, host: HOST, noDelay: true });
    socket.resume();
    this.#kept.set(port, socket);
    await once(socket, 'connect');
  }

  #ping(): void {
    const port = this.#peers[Math.floor(Math.random() * this.#peers.length)]!;
    if (this.#kind === 'kept') this.#kept.get(port)!.write(PING);
    else pingOnce(port);
  }
}

function pingOnce(port: number): void {
  const socket = connect({ port, host: HOST, noDelay: true });
  let bytes = 0;
  socket.write(PING);
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    if (bytes >= BYTES) socket.end();
  });
  socket.on('error', () => socket.destroy());
}

/** Answers every ping. */
function acknowledge(socket: Socket): void {
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    for (; bytes >= BYTES; bytes -= BYTES) socket.write(ACK);
  });
  socket.on('error', () => socket.destroy());
}
