import { describe, expect, it } from '@jest/globals';
import type { RequestAllOptions, RequestAnyOptions } from '../../../src/cluster/messaging/request-options.js';
import {
  DeliveryUncertainError,
  InvalidOptionError,
  NoHandlerError,
  NotDeliveredError,
  RequestTimeoutError,
  SerializationError,
  UnknownMemberError,
} from '../../../src/errors.js';
import { memberOf } from '../../support/members.js';
import { Room, settle } from './room.js';

/** What has become of a call by now. */
function watch(call: Promise<unknown>): { state: unknown } {
  const watched: { state: unknown } = { state: 'waits' };
  call.then(
    (value) => (watched.state = value),
    (error: unknown) => (watched.state = error),
  );
  return watched;
}

const silent = (): Promise<never> => new Promise<never>(() => undefined);

describe('a request to any member', () => {
  it('asks each member in its turn, also when patterns and "where" alternate', async () => {
    const room = new Room('a', 'b', 'c', 'd', 'e');
    for (const name of ['b', 'c', 'd', 'e']) {
      for (const pattern of ['x', 'y']) room.at(name).dispatcher.onRequest(pattern, () => name);
    }
    const { messenger } = room.at('a');
    const asked: Record<string, unknown[]> = {};
    for (let i = 0; i < 4; i++) {
      for (const pattern of ['x', 'y']) {
        for (const zone of ['bc', 'de']) {
          const where = ({ name }: { name: string }): boolean => zone.includes(name);
          (asked[pattern + zone] ??= []).push(await messenger.requestAny(pattern, 1, { where }));
        }
      }
    }
    for (const [call, names] of Object.entries(asked)) {
      const zone = call.slice(1);
      expect(names.filter((name) => name === zone[0])).toHaveLength(2);
      expect(names.filter((name) => name === zone[1])).toHaveLength(2);
    }
  });

  it('asks nobody who is suspect, drains or is this node', async () => {
    const room = new Room('a', 'b', 'c', 'd');
    room.members[1] = memberOf('b', { state: 'suspect' });
    room.members[2] = memberOf('c', { health: 'draining' });
    for (const name of ['a', 'b', 'c', 'd']) room.at(name).dispatcher.onRequest('who', () => name);
    const { messenger } = room.at('a');
    for (let i = 0; i < 4; i++) expect(await messenger.requestAny('who', 1)).toBe('d');
  });

  it('does not ask one that began to drain, or left, while others were asked', async () => {
    const room = new Room('a', 'b', 'c', 'd');
    room.at('d').dispatcher.onRequest('who', () => 'd');
    room.at('c').dispatcher.onRequest('who', () => 'c');
    const asked = room.at('a').messenger.requestAny('who', 1);
    room.members[2] = memberOf('c', { health: 'draining' });
    expect(await asked).toBe('d');
  });

  it('says how many were asked when none has a handler', async () => {
    const room = new Room('a', 'b', 'c', 'd');
    const error: unknown = await room
      .at('a')
      .messenger.requestAny('who', 1)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NoHandlerError);
    expect(error).toMatchObject({ asked: 3, pattern: 'who' });
    expect((error as Error).message).toBe(
      'None of the 3 members that were asked has a request handler for "who"',
    );
  });

  it('says how many were asked, and what the last one came to, when none took it', async () => {
    const room = new Room('a', 'b', 'c');
    room.cut = true;
    const error: unknown = await room
      .at('a')
      .messenger.requestAny('who', 1)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NotDeliveredError);
    expect((error as Error).message).toBe('No member took the request "who" (asked: 2); the last one: cut');
    expect((error as Error).cause).toBeInstanceOf(NotDeliveredError);
  });

  it('has one deadline for all attempts, and names it', async () => {
    const room = new Room('a', 'b', 'c');
    const { messenger } = room.at('a');
    // Of b nothing arrives for 700 ms; then it is certain that nothing did.
    room.stuck = true;
    const asked = watch(messenger.requestAny('who', 1, { timeoutMs: 1000 }));
    await room.clock.advance(700);
    room.stuck = false;
    room.at('c').dispatcher.onRequest('who', silent);
    room.givenUp.abort();
    await room.clock.advance(280);
    expect(asked.state).toBe('waits');
    await room.clock.advance(60);
    expect(asked.state).toBeInstanceOf(RequestTimeoutError);
    expect(asked.state).toMatchObject({ timeoutMs: 1000, pattern: 'who' });
  });

  it('asks no further when the time is over, and says who was left', async () => {
    const room = new Room('a', 'b', 'c', 'd');
    room.stuck = true;
    const asked = watch(room.at('a').messenger.requestAny('who', 1, { timeoutMs: 1000 }));
    // Less than a millisecond is left then.
    await room.clock.advance(999.5);
    room.givenUp.abort();
    await settle();
    expect(asked.state).toBeInstanceOf(NotDeliveredError);
    expect((asked.state as Error).message).toBe(
      'No member took the request "who" (asked: 1, left after 1000 ms: 2); the last one: unsent',
    );
  });

  it('never asks another when one may have done something', async () => {
    const room = new Room('a', 'b', 'c');
    const calls: string[] = [];
    for (const name of ['b', 'c']) {
      room.at(name).dispatcher.onRequest('who', () => {
        calls.push(name);
        throw new RangeError('no');
      });
    }
    await expect(room.at('a').messenger.requestAny('who', 1)).rejects.toMatchObject({
      code: 'CLUSTER_REMOTE',
    });
    expect(calls).toHaveLength(1);
  });

  it('settles at once when it is aborted, and asks no other then', async () => {
    const room = new Room('a', 'b', 'c');
    let calls = 0;
    for (const name of ['b', 'c']) {
      room.at(name).dispatcher.onRequest('who', () => {
        calls++;
        return silent();
      });
    }
    const abort = new AbortController();
    const asked = watch(room.at('a').messenger.requestAny('who', 1, { signal: abort.signal }));
    await settle();
    abort.abort();
    await settle();
    expect(asked.state).toBeInstanceOf(DeliveryUncertainError);
    expect(calls).toBe(1);
    await expect(room.at('a').messenger.requestAny('who', 1, { signal: abort.signal })).rejects.toThrow(
      /^The request was aborted before it was sent$/,
    );
    expect(calls).toBe(1);
  });

  it('asks no other either when it was aborted before anything was sent', async () => {
    const room = new Room('a', 'b', 'c');
    room.stuck = true;
    const abort = new AbortController();
    const asked = watch(room.at('a').messenger.requestAny('who', 1, { signal: abort.signal }));
    await settle();
    abort.abort();
    await settle();
    expect(asked.state).toBeInstanceOf(NotDeliveredError);
    expect((asked.state as Error).message).toBe('unsent');
  });

  it.each([
    [{ timeoutMs: 0 }, 'Option "timeoutMs" is 0, but must be a number of milliseconds'],
    [{ timeoutMs: -1 }, 'Option "timeoutMs" is -1'],
    [{ timeoutMs: Number.NaN }, 'Option "timeoutMs" is NaN'],
    [{ timeoutMs: Number.POSITIVE_INFINITY }, 'Option "timeoutMs" is Infinity'],
    [{ timeoutMs: '5' }, 'Option "timeoutMs" is "5"'],
    [{ where: { zone: 'eu' } }, 'Option "where" is an object, but must be a function of a member'],
    [{ where: null }, 'Option "where" is null'],
  ])('and to all refuses %j, also where there is nobody to ask', async (options, message) => {
    const { messenger } = new Room('a').at('a');
    for (const asked of [
      messenger.requestAny('who', 1, options as RequestAnyOptions),
      messenger.requestAll('who', 1, options as RequestAllOptions),
    ]) {
      await expect(asked).rejects.toThrow(InvalidOptionError);
      await expect(asked).rejects.toThrow(message);
    }
  });

  it.each(['', 'a.*', 5])('and to all refuses the pattern %j', async (pattern) => {
    const { messenger } = new Room('a').at('a');
    for (const asked of [
      messenger.requestAny(pattern as string, 1),
      messenger.requestAll(pattern as string, 1),
    ]) {
      await expect(asked).rejects.toThrow('Option "pattern"');
    }
  });

  it('rejects with the error of a "where" that throws', async () => {
    const { messenger } = new Room('a', 'b').at('a');
    const where = (): boolean => {
      throw new RangeError('where');
    };
    await expect(messenger.requestAny('who', 1, { where })).rejects.toThrow('where');
    await expect(messenger.requestAny('who', 1, { where: () => false })).rejects.toBeInstanceOf(
      UnknownMemberError,
    );
  });
});

describe('a request to all members', () => {
  it('asks those that fit, and this node where it is wanted', async () => {
    const room = new Room('a', 'b', 'c');
    for (const name of ['a', 'b', 'c']) room.at(name).dispatcher.onRequest('who', () => name);
    const { messenger } = room.at('a');
    const replies = async (options: RequestAllOptions): Promise<unknown[]> =>
      (await messenger.requestAll('who', 1, options)).map(({ reply }) => reply);
    expect(await replies({ where: ({ name }) => name !== 'b' })).toEqual(['c']);
    expect(await replies({ includeSelf: true })).toEqual(['a', 'b', 'c']);
    expect(await replies({ includeSelf: true, where: ({ name }) => name === 'a' })).toEqual(['a']);
    expect(await replies({ where: () => false })).toEqual([]);
  });

  it('has an outcome for each by the deadline, be they silent or never reached', async () => {
    const room = new Room('a', 'b', 'c');
    room.at('b').dispatcher.onRequest('who', silent);
    const silentOnes = watch(room.at('a').messenger.requestAll('who', 1, { timeoutMs: 300 }));
    await settle();
    room.stuck = true;
    const stuckOnes = watch(room.at('a').messenger.requestAll('who', 1, { timeoutMs: 500 }));
    await room.clock.advance(320);
    expect(silentOnes.state).toMatchObject([
      { member: { name: 'b' }, error: { code: 'CLUSTER_REQUEST_TIMEOUT' } },
      { member: { name: 'c' }, error: { code: 'CLUSTER_NO_HANDLER' } },
    ]);
    expect(stuckOnes.state).toBe('waits');
    await room.clock.advance(200);
    expect(stuckOnes.state).toMatchObject([
      { member: { name: 'b' }, error: { code: 'CLUSTER_REQUEST_TIMEOUT' } },
      { member: { name: 'c' }, error: { code: 'CLUSTER_REQUEST_TIMEOUT' } },
    ]);
    expect(room.at('a').messenger.requestsInFlight).toBe(0);
  });

  it('has the outcome of one that is gone at once, and waits for the others', async () => {
    const room = new Room('a', 'b', 'c');
    let answer!: (value: string) => void;
    room.at('b').dispatcher.onRequest('who', silent);
    room.at('c').dispatcher.onRequest('who', () => new Promise<string>((resolve) => (answer = resolve)));
    const asked = watch(room.at('a').messenger.requestAll('who', 1));
    await settle();
    room.at('a').messenger.forget(memberOf('b').id, 'became unreachable');
    await settle();
    expect(room.at('a').messenger.requestsInFlight).toBe(1);
    answer('c');
    await settle();
    expect(asked.state).toMatchObject([
      { member: { name: 'b' }, error: { code: 'CLUSTER_DELIVERY_UNCERTAIN' } },
      { member: { name: 'c' }, reply: 'c' },
    ]);
  });

  it('encodes its data once, and rejects when that cannot travel: then nobody was asked', async () => {
    const room = new Room('a', 'b', 'c');
    let calls = 0;
    for (const name of ['b', 'c']) room.at(name).dispatcher.onRequest('who', () => ++calls);
    await expect(room.at('a').messenger.requestAll('who', new Map())).rejects.toBeInstanceOf(
      SerializationError,
    );
    expect(calls).toBe(0);
  });

  it('tells of an abort in every outcome', async () => {
    const room = new Room('a', 'b', 'c');
    for (const name of ['b', 'c']) room.at(name).dispatcher.onRequest('who', silent);
    const abort = new AbortController();
    const asked = watch(room.at('a').messenger.requestAll('who', 1, { signal: abort.signal }));
    await settle();
    abort.abort();
    await settle();
    expect(asked.state).toMatchObject([
      { error: { code: 'CLUSTER_DELIVERY_UNCERTAIN' } },
      { error: { code: 'CLUSTER_DELIVERY_UNCERTAIN' } },
    ]);
  });
});
