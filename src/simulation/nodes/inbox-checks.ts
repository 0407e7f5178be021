import type { NodeId } from '../../node-id.js';
import type { TransportLimits } from '../../transport/session/limits.js';
import type { IncomingMessage } from '../../transport/transport.js';
import type { Findings } from './findings.js';

/** A message that a node has taken, and with which its reader or handler is not done. */
interface Held {
  readonly stream: Load;
  /** Where a large payload counts: all of its node, and those of its sender. */
  readonly large: readonly [Load, Load] | undefined;
  readonly bytes: number;
}

interface Load {
  messages: number;
  bytes: number;
}

/** Of the room for large payloads, what one sender may take: see docs/PROTOCOL.md, "Streams and credit". */
const SENDER_SHARE = 0.5;

/**
 * What waits in the inboxes, counted from outside: whatever the books of a session say, a slow reader is never given
 * more than its window by one stream of one sender, nor more large payloads than its node has room for.
 */
export class InboxChecks {
  readonly #held = new Map<string, Held>();
  readonly #streams = new Map<string, Load>();
  /** By node, and by sender and node. */
  readonly #large = new Map<string, Load>();

  constructor(
    private readonly findings: Findings,
    private readonly limits: TransportLimits,
  ) {}

  took(number: number, to: NodeId, { from, stream, payload, meta }: IncomingMessage): void {
    const bytes = payload.length + meta.length;
    const isLarge = bytes > Math.floor(this.limits.windowBytes / 2);
    const held = {
      stream: loadOf(this.#streams, `${from} ${to} ${stream}`),
      large: isLarge ? ([loadOf(this.#large, to), loadOf(this.#large, `${from} ${to}`)] as const) : undefined,
      bytes,
    };
    this.#held.set(`${number} ${to}`, held);
    book(held, 1);
    this.#check(held, from, to, stream);
  }

  finished(number: number, to: NodeId): void {
    const key = `${number} ${to}`;
    const held = this.#held.get(key);
    if (held !== undefined) book(held, -1);
    this.#held.delete(key);
  }

  #check({ stream, large }: Held, from: NodeId, to: NodeId, number: number): void {
    const who = `${to} holds of stream ${number} of ${from}`;
    const { windowMessages, windowBytes, reassemblyBytes } = this.limits;
    if (stream.messages > windowMessages)
      this.findings.add('credit', `${who} ${stream.messages} messages, and the window is ${windowMessages}`);
    if (stream.bytes > windowBytes)
      this.findings.add('credit', `${who} ${stream.bytes} bytes, and the window is ${windowBytes}`);
    if (large === undefined) return;
    const [ofAll, ofSender] = large;
    // One alone always fits.
    if (ofSender.messages > 1 && ofSender.bytes > reassemblyBytes * SENDER_SHARE)
      this.#full(`${to} holds ${ofSender.bytes} bytes of large payloads of ${from}`);
    // Whoever was away may come back with a payload whose room has gone to others.
    const { messages, bytes } = {
      messages: ofAll.messages - ofSender.messages,
      bytes: ofAll.bytes - ofSender.bytes,
    };
    if (messages > 1 && bytes > reassemblyBytes)
      this.#full(`${to} holds ${bytes} bytes of large payloads of others than ${from}`);
  }

  #full(what: string): void {
    this.findings.add('room', `${what}, and has room for ${this.limits.reassemblyBytes} in all`);
  }
}

function loadOf(loads: Map<string, Load>, key: string): Load {
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
  for (const load of large) {
    load.messages += sign;
    load.bytes += sign * bytes;
  }
}
