/** Size of a write buffer: small frames are copied into one and leave in one write. */
export const ARENA_BYTES = 64 * 1024;

/** Free arenas that are kept for reuse; more than this are left to the garbage collector. */
const MAX_FREE_ARENAS = 32;

/** A write buffer, as the two kinds of view that are needed: one to write into, one to hand to a socket. */
export interface Arena {
  readonly bytes: Uint8Array;
  readonly buffer: Buffer;
}

/** Lends write buffers to links that have something to write, so that idle links hold none (decisions 13). */
export class ArenaPool {
  private readonly free: Arena[] = [];

  take(): Arena {
    const arena = this.free.pop();
    if (arena !== undefined) return arena;
    const buffer = Buffer.allocUnsafeSlow(ARENA_BYTES);
    return { buffer, bytes: new Uint8Array(buffer.buffer, 0, ARENA_BYTES) };
  }

  /** Only for an arena whose bytes have been written: nobody may read it any more. */
  giveBack(arena: Arena): void {
    if (this.free.length < MAX_FREE_ARENAS) this.free.push(arena);
  }
}
