import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Address } from '../../../../src/address.js';

const HOST = '127.0.0.1';
/** An alert is shorter; what ends a client's handshake is not. */
const RECORD_HEAD_BYTES = 5;

const open = new Set<HeldBack>();

/** To be called after each test: one that fails half-way leaves its wire open. */
export async function closeHeldBack(): Promise<void> {
  await Promise.all([...open].map((held) => held.close()));
}

/** A wire to a node, that keeps back the last record of the client's second flight: the handshake is all but done. */
export class HeldBack {
  /** Something is held back. */
  readonly full: Promise<void>;
  #held: Buffer | undefined;
  #near: Socket | undefined;
  #far: Socket | undefined;
  readonly #server: Server;

  private constructor(port: number) {
    let filled = (): void => undefined;
    this.full = new Promise((resolve) => (filled = resolve));
    this.#server = createServer((near) => {
      const far = connect(port, HOST);
      this.#near = near;
      this.#far = far;
      for (const end of [near, far]) end.on('error', () => undefined);
      let flights = 0;
      near.on('data', (piece: Buffer) => {
        if (++flights === 1 || this.#held !== undefined) return void far.write(piece);
        const last = lastRecordOf(piece);
        far.write(piece.subarray(0, last));
        this.#held = piece.subarray(last);
        // The node has seen the rest by the time that anything else is done.
        setTimeout(filled, 50);
      });
      far.pipe(near);
      near.on('close', () => far.destroy());
    });
  }

  static async before(port: number): Promise<HeldBack> {
    const held = new HeldBack(port);
    open.add(held);
    await new Promise<void>((resolve) => held.#server.listen(0, HOST, resolve));
    return held;
  }

  get address(): Address {
    return { host: HOST, port: (this.#server.address() as AddressInfo).port };
  }

  release(): void {
    this.#far!.write(this.#held!);
  }

  async close(): Promise<void> {
    open.delete(this);
    this.#near?.destroy();
    this.#far?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Where the last TLS record of a flight begins. */
function lastRecordOf(flight: Buffer): number {
  let at = 0;
  for (let next = 0; next + RECORD_HEAD_BYTES <= flight.length;) {
    at = next;
    next += RECORD_HEAD_BYTES + flight.readUInt16BE(next + 3);
  }
  return at;
}
