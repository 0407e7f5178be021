import type { Socket } from 'node:net';
import { payloadOf, type Contender, type Load, type Yield } from '../contender.js';
import { FrameReader, FrameWriter } from '../frames.js';
import { dial, listen } from './listening.js';

/** The number of a frame whose payload goes back; 0 is one that is acknowledged. */
const ECHO = 0x8000_0000;

/**
 * What the machine can do: frames over a socket, one write a turn, acknowledged once a read. No promise, no handler,
 * nobody who could fail.
 */
export const raw: Contender = {
  async serve() {
    return listen((socket) => {
      const writer = new FrameWriter(socket);
      let taken = 0;
      let told = 0;
      const reader = new FrameReader((number, payload) => {
        if (number === ECHO) writer.write(number, payload);
        else taken++;
      });
      socket.on('data', (piece: Buffer) => {
        reader.push(piece);
        if (taken > told) writer.write((told = taken));
        writer.flush();
      });
    });
  },

  async connect(port: number) {
    const client = new RawClient(await dial(port));
    return (load) => client.run(load);
  },
};

class RawClient {
  readonly #writer: FrameWriter;
  #acknowledged = 0;
  #echoed = 0;
  #arrived: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#writer = new FrameWriter(socket);
    const reader = new FrameReader((number) => {
      if (number === ECHO) this.#echoed++;
      else this.#acknowledged = number;
    });
    socket.on('data', (piece: Buffer) => {
      reader.push(piece);
      this.#arrived();
      this.#writer.flush();
    });
  }

  run({ operation, bytes, inFlight, ms }: Load): Promise<Yield> {
    const payload = payloadOf(bytes);
    const isEcho = operation === 'request';
    const done = isEcho ? (): number => this.#echoed : (): number => this.#acknowledged;
    const before = done();
    let sent = before;
    const latencies: number[] = [];
    const began = performance.now();
    let start = began;
    return new Promise((resolve) => {
      this.#arrived = () => {
        const now = performance.now();
        const isOver = now - began >= ms;
        if (inFlight === 1 && done() === sent && sent > before) latencies.push((now - start) * 1000);
        if (isOver && done() === sent) {
          this.#arrived = () => undefined;
          const latenciesUs = Float64Array.from(latencies);
          return resolve({ operations: sent - before, elapsedMs: now - began, latenciesUs });
        }
        if (inFlight === 1) start = performance.now();
        if (isOver) return;
        for (; sent - done() < inFlight; sent++) this.#writer.write(isEcho ? ECHO : 0, payload);
      };
      this.#arrived();
      this.#writer.flush();
    });
  }
}
