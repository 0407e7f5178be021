import { Dispatcher } from '../../../src/cluster/messaging/dispatcher.js';
import { Messenger } from '../../../src/cluster/messaging/messenger.js';
import { messagePack } from '../../../src/cluster/messaging/msgpack-serializer.js';
import { resolveOptions } from '../../../src/cluster/validate-options.js';
import { MemberDrainingError, NoReceiverError, NotDeliveredError } from '../../../src/errors.js';
import type { Member } from '../../../src/membership/membership.js';
import { VirtualClock } from '../../../src/simulation/clock/virtual-clock.js';
import type { Transport, TransportSendOptions } from '../../../src/transport/transport.js';
import { memberOf } from '../../support/members.js';

/** Lets promises settle that wait for nothing but each other. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

function unsent(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new NotDeliveredError('unsent')), { once: true });
  });
}

/** Messengers that hand their payloads to each other, one microtask later. */
export class Room {
  readonly clock = new VirtualClock();
  readonly nodes = new Map<string, { messenger: Messenger; dispatcher: Dispatcher; failures: string[] }>();
  readonly members: Member[];
  unreleased = 0;
  cut = false;
  /** Nothing is written: a send waits for its signal, or until the transport gives its recipient up. */
  stuck = false;
  readonly givenUp = new AbortController();
  /** What becomes of a payload on its way. */
  tamper = (payload: Uint8Array, _kind: number): Uint8Array => payload;

  constructor(...names: string[]) {
    this.members = names.map((name) => memberOf(name));
    for (const member of this.members) this.#add(member);
  }

  at(name: string) {
    return this.nodes.get(memberOf(name).id)!;
  }

  #add(self: Member): void {
    const failures: string[] = [];
    const find = (id: string): Member | undefined => this.members.find((member) => member.id === id);
    const dispatcher = new Dispatcher(
      {
        find,
        epochMs: () => 0,
        correlationId: () => 'c-1',
        handlerFailed: (what, error) => failures.push(`${what}: ${(error as Error).message}`),
        unreadable: () => failures.push('unreadable'),
        violation: (_, error) => failures.push(error.violation),
        debug: () => undefined,
      },
      2,
    );
    const messenger = new Messenger(
      {
        transport: () =>
          ({
            send: (to, payload, options) =>
              this.stuck
                ? unsent(options?.signal ?? this.givenUp.signal)
                : this.#carry(self, to.id!, payload, options),
          }) as Transport,
        checkOpen: () => undefined,
        local: () => self,
        find,
        activeMembers: () => this.members.filter((member) => member.isActive),
        listenerFailed: (what, error) => failures.push(`${what}: ${(error as Error).message}`),
      },
      { ...resolveOptions({ limits: { payloadBytes: 1000 } }), serializer: messagePack(), clock: this.clock },
      dispatcher,
    );
    this.nodes.set(self.id, { messenger, dispatcher, failures });
  }

  async #carry(
    from: Member,
    to: string,
    payload: Uint8Array,
    options: TransportSendOptions = {},
  ): Promise<void> {
    await Promise.resolve();
    if (this.cut) throw new NotDeliveredError('cut');
    const { stream = 0, kind = 0, meta = new Uint8Array(0), correlation = 0 } = options;
    this.unreleased++;
    let released = false;
    const release = (): void => {
      if (!released) this.unreleased--;
      released = true;
    };
    const receipt = this.nodes.get(to)!.messenger.receive({
      from: from.id,
      stream,
      kind,
      meta,
      correlation,
      payload: this.tamper(payload, kind),
      release,
    });
    if (receipt === 'held') return;
    release();
    throw receipt === 'draining' ? new MemberDrainingError('draining') : new NoReceiverError('nobody');
  }
}
