import type { Address } from '../../../src/address.js';
import { NotDeliveredError } from '../../../src/errors.js';
import { ForwardingTransport } from '../../../src/simulation/nodes/forwarding-transport.js';
import type { SessionTransport } from '../../../src/transport/session-transport.js';
import type {
  Binding,
  BindOptions,
  Destination,
  IncomingMessage,
  Receipt,
  Transport,
  TransportSendOptions,
} from '../../../src/transport/transport.js';

const EVERY = 25;

/** Spoils one message in 25, replies excepted: those have no number. */
abstract class Defect extends ForwardingTransport {
  #seen = 0;

  protected isTurn(isFree: boolean | undefined): boolean {
    return isFree !== true && ++this.#seen % EVERY === 0;
  }
}

abstract class SendDefect extends Defect {
  override send(to: Destination, payload: Uint8Array, options?: TransportSendOptions): Promise<void> {
    const send = (): Promise<void> => super.send(to, payload, options);
    return this.isTurn(options?.free) ? this.spoil(send, to) : this.other(send, to);
  }

  protected abstract spoil(send: () => Promise<void>, to: Destination): Promise<void>;

  protected other(send: () => Promise<void>, _to: Destination): Promise<void> {
    return send();
  }
}

abstract class ReceiveDefect extends Defect {
  override bind(endpoint: Address, options: BindOptions = {}): Promise<Binding> {
    const { host } = options;
    const receive = (message: IncomingMessage): Receipt =>
      this.take(message, (taken) => host!.receive!(taken));
    return super.bind(endpoint, { ...options, host: { ...host, receive } });
  }

  protected abstract take(message: IncomingMessage, give: (message: IncomingMessage) => Receipt): Receipt;
}

class ResolvesTheLost extends SendDefect {
  protected spoil(): Promise<void> {
    return Promise.resolve();
  }
}

class RejectsTheDelivered extends SendDefect {
  protected async spoil(send: () => Promise<void>): Promise<void> {
    await send();
    throw new NotDeliveredError('It says so');
  }
}

class DeliversTheRejected extends SendDefect {
  protected spoil(send: () => Promise<void>): Promise<void> {
    void send().catch(() => undefined);
    return Promise.reject(new NotDeliveredError('It says so'));
  }
}

class NeverSettles extends SendDefect {
  protected async spoil(send: () => Promise<void>): Promise<void> {
    await send();
    return new Promise(() => undefined);
  }
}

class LosesInSilence extends SendDefect {
  protected spoil(): Promise<void> {
    return new Promise(() => undefined);
  }
}

/** One message waits until the next one has gone to the same recipient. */
class Swaps extends SendDefect {
  readonly #waiting = new Map<string, () => void>();

  protected spoil(send: () => Promise<void>, to: Destination): Promise<void> {
    this.#waiting.get(to.id!)?.();
    return new Promise((resolve, reject) => {
      this.#waiting.set(to.id!, () => void send().then(resolve, reject));
    });
  }

  protected override other(send: () => Promise<void>, to: Destination): Promise<void> {
    const sent = send();
    this.#waiting.get(to.id!)?.();
    this.#waiting.delete(to.id!);
    return sent;
  }
}

class Doubles extends ReceiveDefect {
  protected take(message: IncomingMessage, give: (message: IncomingMessage) => Receipt): Receipt {
    if (this.isTurn(message.stream >= 64)) give(message);
    return give(message);
  }
}

class DropsWhatItAcknowledged extends ReceiveDefect {
  protected take(message: IncomingMessage, give: (message: IncomingMessage) => Receipt): Receipt {
    if (!this.isTurn(message.stream >= 64)) return give(message);
    message.release();
    return 'held';
  }
}

class Garbles extends ReceiveDefect {
  protected take(message: IncomingMessage, give: (message: IncomingMessage) => Receipt): Receipt {
    if (message.stream !== 0 || message.payload.length === 0) return give(message);
    return give(garbled(message));
  }
}

/** One message is enough. */
class NeverReleases extends ReceiveDefect {
  #hasDone = false;

  protected take(message: IncomingMessage, give: (message: IncomingMessage) => Receipt): Receipt {
    if (this.#hasDone || !this.isTurn(message.stream >= 64)) return give(message);
    this.#hasDone = true;
    const { from, stream, kind, meta, correlation, payload } = message;
    return give({ from, stream, kind, meta, correlation, payload, release: () => undefined });
  }
}

/** Gives credit and room back before the message is handled: slow handlers are given more and more. */
export class ReleasesAtOnce extends ReceiveDefect {
  protected take(message: IncomingMessage, give: (message: IncomingMessage) => Receipt): Receipt {
    message.release();
    return give(message);
  }
}

/** Stands above the inbox. What a paused socket does instead of credit: with two messages not taken, nothing more is read, answers included. */
export class PausesItsReader extends ReceiveDefect {
  readonly #unread: (() => void)[] = [];
  #held = 0;

  protected take(message: IncomingMessage, give: (message: IncomingMessage) => Receipt): Receipt {
    const { from, stream, kind, meta, correlation, payload } = message;
    const release = (): void => {
      message.release();
      this.#held--;
      this.#unread.shift()?.();
    };
    const read = (): Receipt => {
      this.#held++;
      return give({ from, stream, kind, meta, correlation, payload, release });
    };
    if (this.#held < 2) return read();
    this.#unread.push(() => void read());
    return 'held';
  }
}

/** After a while nothing is said to one peer any more, on the protocol's lane. */
class FallsSilent extends ForwardingTransport {
  #casts = 0;

  override cast(...cast: Parameters<Transport['cast']>): void {
    if (++this.#casts < 25) super.cast(...cast);
  }
}

/** Answers are never sent, and count as delivered. */
export class LosesAnswers extends ForwardingTransport {
  override send(to: Destination, payload: Uint8Array, options?: TransportSendOptions): Promise<void> {
    return options?.free === true ? Promise.resolve() : super.send(to, payload, options);
  }
}

/** Says that it has closed, and keeps all its links. */
export class NeverCloses extends ForwardingTransport {
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A timer of its own goes on when it has closed. */
export class TicksOn extends ForwardingTransport {
  override close(reason?: 'left' | 'shutdown'): Promise<void> {
    const { clock } = (this.inner as SessionTransport).options;
    const tick = (): void => void clock.setTimer(1000, tick);
    tick();
    return super.close(reason);
  }
}

/** Changes bytes that come from a member which is not the first of its name. */
export class GarblesTheRestarted extends ReceiveDefect {
  readonly #first = new Map<string, string>();

  constructor(
    inner: Transport,
    private readonly nameOf: (id: string) => string | undefined,
  ) {
    super(inner);
  }

  protected take(message: IncomingMessage, give: (message: IncomingMessage) => Receipt): Receipt {
    const { from, stream, payload } = message;
    const name = this.nameOf(from) ?? from;
    const isFirst = (this.#first.get(name) ?? from) === from;
    if (isFirst) this.#first.set(name, from);
    return isFirst || stream !== 0 || payload.length === 0 ? give(message) : give(garbled(message));
  }
}

function garbled(message: IncomingMessage): IncomingMessage {
  const payload = message.payload.map((byte) => byte ^ 1);
  return { ...message, from: message.from, stream: 0, payload, release: () => message.release() };
}

/** Each breaks one rule, and the word is what the checks call it. */
export const defects: readonly (readonly [string, string, (transport: Transport) => Transport])[] = [
  ['resolves a lost message', 'certainty', (inner) => new ResolvesTheLost(inner)],
  ['rejects a delivered message as not delivered', 'certainty', (inner) => new RejectsTheDelivered(inner)],
  ['delivers a message that it has rejected', 'certainty', (inner) => new DeliversTheRejected(inner)],
  ['never settles a delivered message', 'settles', (inner) => new NeverSettles(inner)],
  ['loses a message and never says so', 'settles', (inner) => new LosesInSilence(inner)],
  ['swaps two messages', 'order', (inner) => new Swaps(inner)],
  ['delivers a message twice', 'order', (inner) => new Doubles(inner)],
  ['acknowledges a message and drops it', 'certainty', (inner) => new DropsWhatItAcknowledged(inner)],
  ['changes bytes', 'content', (inner) => new Garbles(inner)],
  ['never gives credit back', 'books', (inner) => new NeverReleases(inner)],
  ['stops to carry the protocol', '14', (inner) => new FallsSilent(inner)],
];
