import { InvalidOptionError } from '../../errors.js';
import type { Recipient } from '../../membership/membership.js';

/** How a {@link ClusterRecord} travels. @publicApi */
export interface ClusterRecordOptions {
  /** The one member that gets it. Undefined: `send` chooses one, `emit` reaches all. */
  readonly to?: Recipient | undefined;
  /** Up to 32 entries and 4 KiB; a handler sees them in `ClusterContext.getHeaders()`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long `send` waits for the first reply, in milliseconds. Default: the client's. */
  readonly timeoutMs?: number | undefined;
}

/** Data for a `ClusterClient` with what it is to travel with; made by a {@link ClusterRecordBuilder}. @publicApi */
export class ClusterRecord<Data = unknown> {
  /** Makes a record as it is. */
  constructor(
    /** What the handler gets. */
    readonly data: Data,
    /** How it travels. */
    readonly options: ClusterRecordOptions,
  ) {}
}

/**
 * Says to whom and with which headers a `ClusterClient` sends:
 *
 * ```ts
 * client.send('price', new ClusterRecordBuilder({ sku }).to(member).headers({ tenant: 'a' }).build());
 * ```
 *
 * @publicApi
 */
export class ClusterRecordBuilder<Data = unknown> {
  #data: Data | undefined;
  #options: ClusterRecordOptions = {};

  /** Begins with the data, or without. */
  constructor(data?: Data) {
    this.#data = data;
  }

  /** What the handler gets. */
  setData(data: Data): this {
    this.#data = data;
    return this;
  }

  /** The one member that gets it. @throws InvalidOptionError for what is no member and no id */
  to(member: Recipient): this {
    const id: unknown = typeof member === 'string' ? member : (member as { id?: unknown } | undefined)?.id;
    if (typeof id !== 'string')
      throw new InvalidOptionError('to', 'is no member and no id: did member(id) find nobody?');
    return this.#with({ to: member });
  }

  /** Headers beside those that are there; the same name again replaces. */
  headers(headers: Readonly<Record<string, string>>): this {
    return this.#with({ headers: { ...this.#options.headers, ...headers } });
  }

  /** How long `send` waits for the first reply, in milliseconds. */
  timeout(timeoutMs: number): this {
    return this.#with({ timeoutMs });
  }

  /** The record, to be given to `send` or `emit` as data. */
  build(): ClusterRecord<Data> {
    return new ClusterRecord(this.#data as Data, this.#options);
  }

  #with(options: ClusterRecordOptions): this {
    this.#options = { ...this.#options, ...options };
    return this;
  }
}
