/** What is done again and again. */
export type Operation =
  /** Bytes, one way, acknowledged. */
  | 'send'
  /** A value, one way, acknowledged, into a handler. */
  | 'emit'
  /** Bytes there and back. */
  | 'request'
  /** A value there and back. */
  | 'ask'
  /** Bytes to eight recipients at once; each counts. */
  | 'broadcast';

/** A load: so many operations are in flight all the time. */
export interface Load {
  readonly operation: Operation;
  /** Bytes of the payload; of a value, about as many. */
  readonly bytes: number;
  readonly inFlight: number;
  readonly ms: number;
}

/** What a load has come to. */
export interface Yield {
  readonly operations: number;
  readonly elapsedMs: number;
  /** Microseconds that each operation took, where one was in flight at a time; empty otherwise. */
  readonly latenciesUs: Float64Array;
}

/** One way to get messages from one process to another. */
export interface Contender {
  /** In the one process: begins to take messages. Gives what the other has to know; can be sent between processes. */
  serve(): Promise<unknown>;
  /** In the other: connects, and is ready for loads. */
  connect(where: never): Promise<(load: Load) => Promise<Yield>>;
}

const PATTERN = Buffer.from(Uint8Array.from({ length: 90 }, (_, index) => 33 + ((index * 7) % 90)));

/** Bytes of a payload, which are no single value repeated. */
export function payloadOf(bytes: number): Buffer {
  return Buffer.alloc(bytes, PATTERN);
}

/** A value of a usual shape, which takes about so many bytes as MessagePack. */
export function valueOf(bytes: number): { id: number; name: string; tags: string[]; text: string } {
  const rest = { id: 1_234_567, name: 'order', tags: ['new', 'paid'] };
  return { ...rest, text: payloadOf(Math.max(1, bytes - 40)).toString('latin1') };
}
