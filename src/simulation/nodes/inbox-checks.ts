import type { NodeId } from '../../node-id.js';
import type { TransportLimits } from '../../transport/session/limits.js';
import type { IncomingMessage } from '../../transport/transport.js';
import type { Findings } from './findings.js';

/** A message that a node has taken, and with which its reader or handler is not done. */
interface Held {
  readonly stream: Load;
  readonly large: Load | undefined;
  readonly bytes: number;
}

interface Load {
  messages: number;
  bytes: number;
}

/**
 * What waits in the inboxes, counted from outside: whatever the books of a session say, a slow reader is never given
 * more than its window by one stream of one sender, nor more large payloads than its node has room for.
 */
export class InboxChecks {
  readonly #held = new Map<string, Held>();
  readonly #streams = new Map<string, Load>();
  readonly #large = new Map<NodeId, Load>();

  constructor(
    private readonly findings: Findings,
    private readonly limits: TransportLimits,
  ) {}

  took(number: number, to: NodeId, { from, stream, payload, meta }: IncomingMessage): void {
    const bytes = payload.length + meta.length;
    const isLarge = bytes > Math.floor(this.limits.windowBytes / 2);
    const held = {
      stream: loadOf(this.#streams, `${from} ${to} ${stream}`),
      large: isLarge ? loadOf(this.#large, to) : undefined,
      bytes,
    };
    this.#held.set(`${number} ${to}`, held);
    book(held, 1);
    this.#check(held, `${to} holds of stream ${stream} of ${from}`, to);
  }

  finished(number: number, to: NodeId): void {
    const key = `${number} ${to}`;
    const held = this.#held.get(key);
    if (held !== undefined) book(held, -1);
    this.#held.delete(key);
  }

  #check({ stream, large }: Held, who: string, to: NodeId): void {
    const { windowMessages, windowBytes, reassemblyBytes } = this.limits;
    if (stream.messages > windowMessages)
      this.findings.add('credit', `${who} ${stream.messages} messages, and the window is ${windowMessages}`);
    if (stream.bytes > windowBytes)
      this.findings.add('credit', `${who} ${stream.bytes} bytes, and the window is ${windowBytes}`);
    // One alone always fits.
    if (large !== undefined && large.messages > 1 && large.bytes > reassemblyBytes)
      this.findings.add(
        'room',
        `${to} holds ${large.bytes} bytes of large payloads, and has room for ${reassemblyBytes}`,
      );
  }
}

function loadOf<K>(loads: Map<K, Load>, key: K): Load {
  const known = loads.get(key);
  if (known !== undefined) return known;
  const load = { messages: 0, bytes: 0 };
  loads.set(key, load);
  return load;
}

/** A large payload pays with its room, and only counts as a message in its stream. */
function book({ stream, large, bytes }: Held, sign: 1 | -1): void {
  stream.messages += sign;
  if (large === undefined) {
    stream.bytes += sign * bytes;
    return;
  }
  large.messages += sign;
  large.bytes += sign * bytes;
}
