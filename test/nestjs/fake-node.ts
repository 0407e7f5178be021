import type { EventListener } from '../../src/cluster/event-hub.js';
import { ClusterMessage } from '../../src/cluster/messaging/cluster-message.js';
import type { Pattern } from '../../src/cluster/messaging/contracts.js';
import type { HandlerOptions, MessageHandler, RequestHandler } from '../../src/cluster/messaging/handlers.js';
import type { MemberExplanation } from '../../src/cluster/member-history.js';
import type { NodeStatus, ReadyOptions } from '../../src/cluster/node-status.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import { NotDeliveredError, type ClusterError } from '../../src/errors.js';
import type { ClusterLogger } from '../../src/logger.js';
import {
  Member,
  MembershipEvent,
  type MemberHealth,
  type MembershipEventType,
} from '../../src/membership/membership.js';
import { View } from '../../src/membership/view.js';
import type { NodeFace } from '../../src/nestjs/node-face.js';
import type { NodeId } from '../../src/node-id.js';

/** A member with this name, and an id made of it. */
export function memberNamed(name: string): Member {
  const id = Buffer.from(name).toString('hex').padEnd(32, '0').slice(0, 32) as NodeId;
  return Member.of({
    id,
    name,
    address: { host: '127.0.0.1', port: 7946 },
    state: 'alive',
    incarnation: 0,
    metadata: {},
    health: 'ok',
    startedAtMs: 0,
    minVersion: 1,
    maxVersion: 1,
  });
}

/** Collects what is logged, by level. */
export class LogLines implements ClusterLogger {
  readonly lines: { readonly level: string; readonly text: string; readonly cause?: unknown }[] = [];

  debug(text: string): void {
    this.lines.push({ level: 'debug', text });
  }
  log(text: string): void {
    this.lines.push({ level: 'log', text });
  }
  warn(text: string): void {
    this.lines.push({ level: 'warn', text });
  }
  error(text: string, cause?: unknown): void {
    this.lines.push({ level: 'error', text, cause });
  }

  at(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.text);
  }
}

/** A node of the same shape as the real one, without protocol or transport: what arrives is put in by hand. */
export class FakeNode implements NodeFace {
  readonly clusterName: string;
  readonly warnings: readonly string[] = [];
  readonly local = memberNamed('local');
  readonly incomingMessages = nothing();
  readonly membershipEvents = nothing();
  readonly errors = nothing() as AsyncIterable<ClusterError>;
  readonly stats = {} as NodeFace['stats'];
  readonly messageHandlers = new Map<
    string | undefined,
    { handler: MessageHandler; options: HandlerOptions }[]
  >();
  readonly requestHandlers = new Map<string, { handler: RequestHandler; options: HandlerOptions }>();
  readonly listeners = new Set<EventListener>();
  readonly peer = memberNamed('peer');
  status: NodeStatus = 'created';
  bindFailure: Error | undefined;
  readyFailure: Error | undefined;
  failures: unknown[] = [];

  /** @param calls what was called, in order; a test may give a list of its own, to see what happened around */
  constructor(
    readonly options: ClusterOptions = {},
    readonly calls: string[] = [],
  ) {
    this.clusterName = options.clusterName ?? 'fake';
  }

  get activeMembers(): readonly Member[] {
    return [this.local];
  }
  get allMembers(): readonly Member[] {
    return [this.local];
  }

  explain(id: string): MemberExplanation {
    return { member: id === this.local.id ? this.local : undefined, answeredAt: undefined, history: [] };
  }

  // --- what a test puts in ---

  /** As if `emit(local, pattern, data)` had arrived. Resolves when every handler has finished. */
  async receive(
    pattern: string | undefined,
    data: unknown,
    headers: Record<string, string> = {},
  ): Promise<void> {
    const message = this.#message(pattern, data, headers, false);
    for (const { handler } of this.messageHandlers.get(pattern) ?? []) {
      try {
        await handler(data, message);
      } catch (error) {
        this.failures.push(error);
      }
    }
  }

  /** As if `request(local, pattern, data)` had arrived. */
  async ask(pattern: string, data: unknown, headers: Record<string, string> = {}): Promise<unknown> {
    const registered = this.requestHandlers.get(pattern);
    if (registered === undefined) throw new Error(`no handler for ${pattern}`);
    return registered.handler(data, this.#message(pattern, data, headers, true));
  }

  async happen(type: MembershipEventType, member: Member = this.peer): Promise<void> {
    const event = MembershipEvent.of(type, member, undefined, View.empty.put(member), 0);
    for (const listener of this.listeners) {
      try {
        await listener(event);
      } catch (error) {
        this.failures.push(error);
      }
    }
  }

  #message(
    pattern: string | undefined,
    data: unknown,
    headers: Record<string, string>,
    isRequest: boolean,
  ): ClusterMessage {
    const payload = data instanceof Uint8Array ? data : new Uint8Array(0);
    return ClusterMessage.of({
      sender: this.peer,
      pattern,
      data,
      payload,
      headers,
      receivedAtMs: 0,
      isRequest,
    });
  }

  // --- what the module calls ---

  async bind(): Promise<{ host: string; port: number }> {
    this.calls.push('bind');
    if (this.bindFailure !== undefined) throw this.bindFailure;
    this.status = 'bound';
    return this.local.address;
  }
  async join(): Promise<void> {
    this.calls.push('join');
    this.status = 'ready';
  }
  async start(): Promise<void> {
    await this.bind();
    await this.join();
  }
  async whenReady(options: ReadyOptions = {}): Promise<void> {
    this.calls.push(`whenReady ${options.members}`);
    if (this.readyFailure !== undefined) throw this.readyFailure;
  }
  async drain(): Promise<void> {
    this.calls.push('drain');
    this.status = 'draining';
  }
  async leave(): Promise<void> {
    this.calls.push('leave');
    this.status = 'left';
  }
  async close(): Promise<void> {
    this.calls.push('close');
    this.status = 'closed';
  }
  ref(): void {}
  unref(): void {}
  member(id: string): Member | undefined {
    return id === this.local.id ? this.local : undefined;
  }
  members(): readonly Member[] {
    return this.activeMembers;
  }
  async rotateSecrets(): Promise<void> {
    this.calls.push('rotateSecrets');
  }

  async reloadTls(): Promise<void> {
    this.calls.push('reloadTls');
  }

  async setHealth(health: MemberHealth, reason?: string): Promise<MemberHealth> {
    this.calls.push(`setHealth ${health} ${reason}`);
    return health;
  }
  async updateMetadata(patch: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
    return patch;
  }
  async send(): Promise<void> {
    if (this.status !== 'ready' && this.status !== 'draining')
      throw new NotDeliveredError('The node has not joined yet');
  }
  async emit(): Promise<void> {
    return this.send();
  }
  async broadcast(): ReturnType<NodeFace['broadcast']> {
    return { delivered: [], failed: [] };
  }
  async emitAll(): ReturnType<NodeFace['broadcast']> {
    return { delivered: [], failed: [] };
  }
  async request(): Promise<never> {
    throw new NotDeliveredError('fake');
  }
  async requestAny(): Promise<never> {
    throw new NotDeliveredError('fake');
  }
  async requestAll(): Promise<[]> {
    return [];
  }
  onMessage<P extends Pattern | undefined>(
    pattern: P,
    given: MessageHandler<P>,
    options: HandlerOptions = {},
  ): () => void {
    this.calls.push(`onMessage ${pattern}`);
    const handler = given as MessageHandler;
    this.messageHandlers.set(pattern, [...(this.messageHandlers.get(pattern) ?? []), { handler, options }]);
    return () => {};
  }
  onRequest<P extends Pattern>(
    pattern: P,
    handler: RequestHandler<P>,
    options: HandlerOptions = {},
  ): () => void {
    this.calls.push(`onRequest ${pattern}`);
    this.requestHandlers.set(pattern, { handler, options });
    return () => {};
  }
  onEnd(): () => void {
    return () => {};
  }
  reportFailure(_what: string, error: unknown): void {
    this.failures.push(error);
  }
  onEvent(listener: EventListener): () => void {
    this.calls.push('onEvent');
    this.listeners.add(listener);
    return () => {};
  }
}

async function* nothing(): AsyncGenerator<never> {}
