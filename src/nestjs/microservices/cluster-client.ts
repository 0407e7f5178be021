import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { Headers } from '../../cluster/messaging/envelope.js';
import type { RequestOptions } from '../../cluster/messaging/request-options.js';
import {
  BroadcastFailedError,
  ClosedError,
  NoReceiverError,
  RemoteError,
  RequestTimeoutError,
} from '../../errors.js';
import type {
  BroadcastOutcome,
  Member,
  MembershipEventType,
  Recipient,
} from '../../membership/membership.js';
import type { ClusterError } from '../../errors.js';
import type { MembershipEvent } from '../../membership/membership.js';
import type { MembershipService } from '../membership.service.js';
import { ClusterRecord, type ClusterRecordOptions } from './cluster-record.js';
import type { ClusterEventsMap } from './cluster-server.js';
import { followStatus, type ClusterConnectionStatus } from './connection-status.js';
import { checkClientOptions, type ClusterClientOptions } from './options.js';
import { cancel, readReplies } from './reply-reader.js';
import { CALL, CANCEL, REPLIES, TOLD, streamAddressOf } from './reply-stream-protocol.js';

type Callback = (packet: WritePacket) => void;

let clients = 0;

/**
 * Sends to members of a cluster, as a `ClientProxy`:
 *
 * ```ts
 * ClientsModule.registerAsync({
 *   clients: [
 *     {
 *       name: 'PRICES',
 *       inject: [MembershipService],
 *       useFactory: (membership: MembershipService) => ({ customClass: ClusterClient, options: { membership } }),
 *     },
 *   ],
 * })
 * ```
 *
 * `send` asks one member that is alive, not draining and fits `where`, this one included, each time another; it asks the next
 * when one certainly did nothing (no handler, not delivered), and never when that is uncertain. `emit` reaches all members
 * that fit, this one included. A {@link ClusterRecord} names one member, headers and a timeout.
 *
 * @publicApi
 */
export class ClusterClient extends ClientProxy<ClusterEventsMap, ClusterConnectionStatus> {
  readonly #options: ClusterClientOptions;
  readonly #open = new Set<AbortController>();
  /** Names of calls begin with it: no two clients of a node have one. */
  readonly #name = `${++clients}-${Math.random().toString(36).slice(2)}`;
  #calls = 0;
  #removals: (() => void)[] = [];
  #stopStatus: (() => void) | undefined;

  /** @throws InvalidOptionError that names what is wrong */
  constructor(options: ClusterClientOptions) {
    super();
    checkClientOptions(options);
    this.#options = options;
    this.initializeSerializer(options as never);
    this.initializeDeserializer(options as never);
  }

  /** Nothing to do: the node connects by itself. Follows its state in `status` from now on. */
  connect(): Promise<void> {
    this.#stopStatus ??= followStatus(this.#membership, this._status$);
    return Promise.resolve();
  }

  /** Ends what is under way with `ClosedError`. The client can be used again. */
  close(): void {
    for (const remove of this.#removals.splice(0)) remove();
    this.#stopStatus?.();
    this.#stopStatus = undefined;
    for (const controller of this.#open) controller.abort(new ClosedError('The client'));
    this.#open.clear();
  }

  /** Calls back for each membership event of a type, until the client is closed. */
  override on<Type extends MembershipEventType = MembershipEventType>(
    type: Type,
    callback: (member: Member, event: MembershipEvent) => void,
  ): void {
    const listener = (event: MembershipEvent): void => {
      if (event.type === type) callback(event.member, event);
    };
    this.#removals.push(this.#membership.onEvent(listener, { name: `ClusterClient.on('${type}')` }));
  }

  /** The `MembershipService`. */
  unwrap<T = MembershipService>(): T {
    return this.#membership as T;
  }

  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const controller = new AbortController();
    this.#open.add(controller);
    const tell: Callback = (one) => {
      if (!controller.signal.aborted) callback(one);
    };
    this.#ask(packet, controller.signal, tell)
      .catch((error: unknown) => {
        const { signal } = controller;
        if (!signal.aborted) callback({ err: errorOf(error) });
        // The subscriber knows of its own end; of the client's it does not.
        else if (signal.reason instanceof ClosedError) callback({ err: signal.reason });
      })
      .finally(() => this.#open.delete(controller));
    return () => controller.abort();
  }

  /** Resolves with who got it and who did not. A member without a handler for it has missed nothing. */
  protected async dispatchEvent<T = BroadcastOutcome>(packet: ReadPacket): Promise<T> {
    const { data, options } = recordOf(packet);
    const pattern = this.normalizePattern(packet.pattern as never);
    const body = await this.#serialize(packet, data);
    const headers = headersOf(packet, options);
    const outcome = await this.#emit(pattern, body, options, headers);
    if (outcome.failed.length > 0 && outcome.delivered.length === 0) throw new BroadcastFailedError(outcome);
    return outcome as T;
  }

  get #membership(): MembershipService {
    return this.#options.membership;
  }

  async #ask(packet: ReadPacket, signal: AbortSignal, callback: Callback): Promise<void> {
    const { data, options } = recordOf(packet);
    const pattern = this.normalizePattern(packet.pattern as never);
    const body = await this.#serialize(packet, data);
    let headers: Headers = {};
    const call = `${this.#name}-${++this.#calls}`;
    const asked: RequestOptions = {
      signal,
      headers: { ...headersOf(packet, options), [REPLIES]: 'many', [CALL]: call },
      timeoutMs: options.timeoutMs ?? this.#options.timeoutMs,
      onReplyHeaders: (told) => (headers = told),
    };
    let last: Recipient | undefined = options.to;
    let reply: unknown;
    try {
      reply = await this.#request(pattern, body, options, asked, (member) => (last = member));
    } catch (error) {
      // The source of an answer that nobody waits for any more is not to go on. If this does not arrive, its server
      // gives it up when nobody has fetched anything for a while, or with this member.
      if (last !== undefined && (signal.aborted || error instanceof RequestTimeoutError))
        this.#membership.emit(last, CANCEL, [call]).catch(() => undefined);
      throw toldBy(error, headers);
    }
    if (headers[REPLIES] === undefined) return callback({ ...(await this.#packet(reply)), isDisposed: true });
    const rest = streamAddressOf(headers);
    if (signal.aborted && rest !== undefined) return cancel(this.#membership, rest);
    await this.#readAll(reply, rest, signal, callback);
  }

  #request(
    pattern: string,
    body: unknown,
    { to }: ClusterRecordOptions,
    asked: RequestOptions,
    onAsk: (member: Member) => void,
  ): Promise<unknown> {
    if (to !== undefined) return this.#membership.request(to, pattern, body, asked);
    const { where } = this.#options;
    return this.#membership.requestAny(pattern, body, { ...asked, where, includeSelf: true, onAsk });
  }

  async #readAll(
    first: unknown,
    rest: ReturnType<typeof streamAddressOf>,
    signal: AbortSignal,
    callback: Callback,
  ): Promise<void> {
    let headers: Headers = {};
    const value = async (one: unknown): Promise<void> => callback(await this.#packet(one));
    const onHeaders = (told: Headers): void => void (headers = told);
    try {
      await readReplies({ membership: this.#membership, signal, value, onHeaders }, first, rest);
    } catch (error) {
      throw toldBy(error, headers);
    }
    callback({ isDisposed: true });
  }

  async #emit(
    pattern: string,
    body: unknown,
    { to }: ClusterRecordOptions,
    headers: Headers | undefined,
  ): Promise<BroadcastOutcome> {
    const membership = this.#membership;
    if (to !== undefined) {
      // One recipient: its error says more than an outcome.
      await membership.emit(to, pattern, body, { headers });
      const member = membership.member(typeof to === 'string' ? to : to.id);
      return { delivered: member === undefined ? [] : [member], failed: [] };
    }
    const { where } = this.#options;
    const members = membership.members({ where });
    const delivered: Member[] = [];
    const failed: { member: Member; error: ClusterError }[] = [];
    await Promise.all(
      members.map((member) =>
        membership.emit(member, pattern, body, { headers }).then(
          () => void delivered.push(member),
          (error: ClusterError) => {
            if (!(error instanceof NoReceiverError)) failed.push({ member, error });
          },
        ),
      ),
    );
    return { delivered, failed };
  }

  async #serialize(packet: ReadPacket, data: unknown): Promise<unknown> {
    if (this.#options.serializer === undefined) return data;
    return (await this.serializer.serialize({ ...packet, data })) as unknown;
  }

  async #packet(response: unknown): Promise<WritePacket> {
    if (this.#options.deserializer === undefined) return { response };
    return (await this.deserializer.deserialize(response)) as WritePacket;
  }
}

function recordOf({ data }: ReadPacket): { readonly data: unknown; readonly options: ClusterRecordOptions } {
  return data instanceof ClusterRecord ? data : { data: data as unknown, options: {} };
}

/** What a dispatch hook has put beside the packet travels as headers; a record's own come first. */
function headersOf({ metadata }: ReadPacket, { headers }: ClusterRecordOptions): Headers | undefined {
  return metadata === undefined && headers === undefined ? undefined : { ...metadata, ...headers };
}

/** What a handler's filter told, as it told it; anything else as it is. */
function toldBy(error: unknown, headers: Headers): unknown {
  return error instanceof RemoteError && headers[TOLD] !== undefined ? new Told(error) : error;
}

/** Keeps apart what was told from what was thrown here. */
class Told {
  constructor(readonly by: RemoteError) {}
}

function errorOf(error: unknown): unknown {
  // Nest takes what is falsy for no error.
  return error instanceof Told ? error.by.response || error.by : error;
}
