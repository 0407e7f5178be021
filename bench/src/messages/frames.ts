import type { Socket } from 'node:net';

const ARENA_BYTES = 64 * 1024;
/** From this size on a payload is written by reference. */
const BY_REFERENCE_BYTES = 16 * 1024;
const NOTHING = new Uint8Array(0);

/** The least that frames over TCP need: a length before each, one buffer a turn, one write. */
export class FrameWriter {
  readonly #socket: Socket;
  readonly #free: Buffer<ArrayBuffer>[] = [];
  #arena = Buffer.allocUnsafeSlow(ARENA_BYTES);
  #filled = 0;
  #waits = false;
  readonly #turnEnded = (): void => {
    this.#waits = false;
    this.flush();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** A frame of a number and, perhaps, a payload; it leaves with the next `flush`, or at the end of the turn. */
  write(number: number, payload: Uint8Array = NOTHING): void {
    const byReference = payload.length >= BY_REFERENCE_BYTES;
    if (this.#filled + 8 + (byReference ? 0 : payload.length) > ARENA_BYTES) this.flush();
    const at = this.#arena.writeUInt32BE(4 + payload.length, this.#filled);
    this.#filled = this.#arena.writeUInt32BE(number >>> 0, at);
    if (byReference) {
      this.#socket.cork();
      this.flush();
      this.#socket.write(payload);
      this.#socket.uncork();
    } else if (payload.length > 0) {
      this.#arena.set(payload, this.#filled);
      this.#filled += payload.length;
    }
    if (this.#waits) return;
    this.#waits = true;
    setImmediate(this.#turnEnded);
  }

  flush(): void {
    if (this.#filled === 0) return;
    const arena = this.#arena;
    this.#socket.write(arena.subarray(0, this.#filled), () => this.#free.push(arena));
    this.#arena = this.#free.pop() ?? Buffer.allocUnsafeSlow(ARENA_BYTES);
    this.#filled = 0;
  }
}

/** Cuts what a socket gives into frames. Payloads are views, valid until the call returns. */
export class FrameReader {
  #rest: Buffer | undefined;
  #pieces: Buffer[] = [];
  #missing = 0;

  constructor(private readonly onFrame: (number: number, payload: Buffer) => void) {}

  push(piece: Buffer): void {
    if (this.#missing > piece.length) {
      this.#pieces.push(piece);
      this.#missing -= piece.length;
      return;
    }
    let data = piece;
    if (this.#rest !== undefined) {
      data = Buffer.concat([this.#rest, ...this.#pieces, piece]);
      this.#pieces = [];
      this.#rest = undefined;
      this.#missing = 0;
    }
    let at = 0;
    while (data.length - at >= 8) {
      const end = at + 4 + data.readUInt32BE(at);
      if (end > data.length) {
        this.#missing = end - data.length;
        break;
      }
      this.onFrame(data.readUInt32BE(at + 4), data.subarray(at + 8, end));
      at = end;
    }
    if (at < data.length) this.#rest = data.subarray(at);
  }
}
