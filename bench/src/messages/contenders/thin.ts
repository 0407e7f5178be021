import type { Socket } from 'node:net';
import { closedLoop } from '../closed-loop.js';
import { payloadOf, type Contender } from '../contender.js';
import { FrameReader, FrameWriter } from '../frames.js';
import { dial, listen } from './listening.js';

/** Set in the number of a request, and of its answer. */
const REQUEST = 0x8000_0000;
const SWEEP_MS = 20;
const TIMEOUT_MS = 5000;

/**
 * What any library has to add to the sockets: a promise, an entry in a map and a deadline per message on the one side, a
 * call of an asynchronous handler on the other. It resumes nothing, bounds nothing and knows nobody.
 */
export const thin: Contender = {
  async serve() {
    return listen((socket) => {
      const writer = new FrameWriter(socket);
      let taken = 0;
      let told = 0;
      const reader = new FrameReader((number, view) => {
        // The handler may keep its bytes beyond this read.
        const payload = Buffer.from(view);
        if (number >= REQUEST) {
          void handle(payload).then((reply) => writer.write(number, reply));
          return;
        }
        taken = number + 1;
        void handle(payload);
      });
      socket.on('data', (piece: Buffer) => {
        reader.push(piece);
        if (taken === told) return;
        told = taken;
        writer.write(told);
      });
    });
  },

  async connect(port: number) {
    const client = new ThinClient(await dial(port));
    return (load) => {
      const payload = payloadOf(load.bytes);
      return closedLoop(load, () =>
        load.operation === 'send' ? client.send(payload) : client.request(payload),
      );
    };
  },
};

async function handle(payload: Buffer): Promise<Buffer> {
  return payload;
}

interface Waiting {
  readonly deadlineMs: number;
  readonly resolve: (reply: Buffer | undefined) => void;
  readonly reject: (error: Error) => void;
}

class ThinClient {
  readonly #writer: FrameWriter;
  readonly #waiting = new Map<number, Waiting>();
  #sent = 0;
  #acknowledged = 0;
  #asked = 0;
  #nowMs = performance.now();

  constructor(socket: Socket) {
    this.#writer = new FrameWriter(socket);
    const reader = new FrameReader((number, view) => {
      if (number >= REQUEST) this.#settle(number, Buffer.from(view));
      else while (this.#acknowledged < number) this.#settle(this.#acknowledged++, undefined);
    });
    socket.on('data', (piece: Buffer) => reader.push(piece));
    setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  send(payload: Buffer): Promise<unknown> {
    return this.#write(this.#sent++, payload);
  }

  request(payload: Buffer): Promise<unknown> {
    return this.#write(REQUEST + this.#asked++, payload);
  }

  #write(number: number, payload: Buffer): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { deadlineMs: this.#nowMs + TIMEOUT_MS, resolve, reject });
      this.#writer.write(number, payload);
    });
  }

  #settle(number: number, reply: Buffer | undefined): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    waiting?.resolve(reply);
  }

  #sweep(): void {
    this.#nowMs = performance.now();
    for (const [number, { deadlineMs, reject }] of this.#waiting) {
      if (deadlineMs > this.#nowMs) return;
      this.#waiting.delete(number);
      reject(new Error('No answer in time'));
    }
  }
}
