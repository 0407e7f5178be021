import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Observable,
  bufferCount,
  concatMap,
  filter,
  firstValueFrom,
  map,
  merge,
  of,
  take,
  toArray,
} from 'rxjs';
import type { ClusterNode } from '../../src/cluster/node.js';
import { HandlerError, InvalidOptionError, NoReceiverError } from '../../src/errors.js';
import type { Member } from '../../src/membership/membership.js';
import { ClusterModule } from '../../src/nestjs/cluster.module.js';
import { MembershipService } from '../../src/nestjs/membership.service.js';
import { NestCluster } from '../../src/nestjs/testing/nest-cluster.js';
import { VirtualCluster } from '../support/virtual-cluster.js';
import { FakeNode, memberNamed } from './fake-node.js';
import { quiet } from './testing/town.js';

let cluster = new VirtualCluster();

afterEach(async () => {
  await cluster.close();
  cluster = new VirtualCluster();
});

/** Errors that the process would die of, were this not a test: rxjs throws them from a timer. */
const uncaught: unknown[] = [];
const keep = (error: unknown): void => void uncaught.push(error);

/** Lets rxjs throw what it has put off. */
async function afterTimers(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
}

/** What a subscription got, as words. */
function record<T>(stream: Observable<T>, word: (value: T) => string) {
  const seen: string[] = [];
  const subscription = stream.subscribe({
    next: (value) => seen.push(word(value)),
    error: (error: unknown) => seen.push(`error ${String(error)}`),
    complete: () => seen.push('end'),
  });
  return { seen, subscription };
}

const names = (view: readonly Member[]): string =>
  view
    .map(
      ({ name, state, incarnation }) =>
        `${name}${state === 'alive' ? '' : '?'}${incarnation > 0 ? incarnation : ''}`,
    )
    .sort()
    .join('');

function failuresOf(node: ClusterNode): string[] {
  const failures: string[] = [];
  void (async () => {
    for await (const error of node.errors) if (error instanceof HandlerError) failures.push(error.message);
  })();
  return failures;
}

describe('events$', () => {
  it('tells what happens from the subscription on, in order, and completes when the node has left', async () => {
    const a = cluster.node('a');
    const service = MembershipService.of(a);
    const early = record(service.events$, ({ type, member }) => `${type} ${member.name}`);
    await cluster.start('a', 'b');
    const late = record(service.events$, ({ type, member }) => `${type} ${member.name}`);
    await cluster.leave('b');
    await cluster.until(() => late.seen.length > 0);
    late.subscription.unsubscribe();
    await cluster.leave('a');
    expect(early.seen.filter((word) => !word.endsWith(' a'))).toEqual(['joined b', 'left b', 'end']);
    expect(late.seen).toEqual(['left b']);
  });

  it('completes at once when the node has left already, and before it was started', async () => {
    const a = cluster.node('a');
    const { events$, members$ } = MembershipService.of(a);
    await cluster.run(a.close());
    expect(record(events$, String).seen).toEqual(['end']);
    expect(record(members$, names).seen.at(-1)).toBe('end');
    expect(record(MembershipService.of(a).messages$('note'), String).seen).toEqual(['end']);
  });
});

describe('members$', () => {
  it('begins with the view as it is, tells of each change once, and ends', async () => {
    const [a] = await cluster.start('a', 'b');
    const service = MembershipService.of(a!);
    const { seen } = record(service.members$, names);
    expect(seen).toEqual(['ab']);
    await cluster.start('c');
    await cluster.until(() => a!.activeMembers.length === 3);
    await cluster.run(a!.updateMetadata({ zone: 'eu' }));
    await cluster.run(a!.updateMetadata({ zone: 'eu' }));
    await cluster.leave('b');
    await cluster.until(() => a!.activeMembers.length === 2);
    expect(seen).toEqual(['ab', 'abc', 'a1bc', 'a1c']);
    const late = record(service.members$, names);
    expect(late.seen).toEqual(['a1c']);
    await cluster.leave('a');
    expect(seen.at(-1)).toBe('end');
    expect(late.seen.at(-1)).toBe('end');
  });

  it('says nothing of an event that leaves the view as it was', async () => {
    const node = new FakeNode();
    const { seen } = record(MembershipService.of(node).members$, names);
    const b = memberNamed('b');
    for (const type of ['joined', 'recovered'] as const) await node.happen(type, b);
    await node.happen('updated', b.with({ incarnation: 1 }));
    expect(seen).toEqual(['local', 'b', 'b1']);
  });

  it('gives one value to whoever wants one, and keeps no listener then', async () => {
    const [a] = await cluster.start('a', 'b');
    const { members$ } = MembershipService.of(a!);
    expect(names(await firstValueFrom(members$))).toBe('ab');
    expect(await firstValueFrom(members$.pipe(take(1), map(names)))).toBe('ab');
  });
});

describe('messages$', () => {
  it('is a handler while it is subscribed, and completes when the node has left', async () => {
    const [a, b] = await cluster.start('a', 'b');
    const service = MembershipService.of(b!);
    const notes$ = service.messages$('note');
    await expect(cluster.run(a!.emit(b!.local, 'note', 0))).rejects.toBeInstanceOf(NoReceiverError);
    const first = record(notes$, ({ data, sender }) => `${sender.name}${String(data)}`);
    const second = record(notes$.pipe(filter(({ data }) => data !== 1)), ({ data }) => String(data));
    for (const n of [1, 2]) await cluster.run(a!.emit(b!.local, 'note', n));
    second.subscription.unsubscribe();
    await cluster.run(a!.emit(b!.local, 'note', 3));
    expect(first.seen).toEqual(['a1', 'a2', 'a3']);
    expect(second.seen).toEqual(['2']);
    expect(b!.stats.handlers).toMatchObject([{ name: 'A subscriber of messages$("note")', calls: 3 }]);
    await cluster.leave('b');
    expect(first.seen.at(-1)).toBe('end');
  });

  it('has the raw bytes of send and broadcast without a pattern', async () => {
    const [a, b] = await cluster.start('a', 'b');
    const { seen } = record(MembershipService.of(b!).messages$(), ({ data }) => Buffer.from(data).toString());
    await cluster.run(a!.send(b!.local, Buffer.from('one')));
    await cluster.run(a!.broadcast(Buffer.from('two')));
    expect(seen).toEqual(['one', 'two']);
  });

  it('counts a message as handled when next has returned, whatever operators do with it later', async () => {
    const [a, b] = await cluster.start('a', 'b');
    const done: unknown[] = [];
    MembershipService.of(b!)
      .messages$('note')
      .pipe(
        concatMap(({ data }) => new Observable<unknown>((slow) => void (data === 0 ? 0 : slow.next(data)))),
      )
      .subscribe((data) => done.push(data));
    for (let n = 0; n < 300; n++) await cluster.run(a!.emit(b!.local, 'note', n));
    expect(b!.stats).toMatchObject({ handlersRunning: 0, handlersWaiting: 0 });
    expect(done).toEqual([]);
  });

  it.each(['', 'a.*', '>', 5])('refuses the pattern %j where it is made', (pattern) => {
    const service = MembershipService.of(cluster.node('a'));
    expect(() => service.messages$(pattern as string)).toThrow(InvalidOptionError);
  });
});

describe('the streams in an application', () => {
  @Injectable()
  class Watcher implements OnModuleInit {
    readonly seen: string[] = [];

    constructor(private readonly cluster: MembershipService) {}

    onModuleInit(): void {
      const end = { complete: () => void this.seen.push('end') };
      this.cluster.members$.subscribe({ ...end, next: (view) => this.seen.push(names(view)) });
      this.cluster.messages$('note').subscribe({ ...end, next: ({ data }) => this.seen.push(String(data)) });
      this.cluster.events$.subscribe({ ...end, next: ({ type }) => this.seen.push(type) });
    }
  }

  it('are there from onModuleInit on, and complete when it closes', async () => {
    const nest = await NestCluster.start({
      nodes: 2,
      module: () =>
        quiet(Test.createTestingModule({ imports: [ClusterModule.forRoot()], providers: [Watcher] })),
    });
    const { seen } = nest.get('b', Watcher);
    expect(seen[0]).toBe('b');
    expect(seen.filter((word) => word.startsWith('a'))).toEqual(['ab']);
    await nest.run(nest.membership('a').emit(nest.membership('b').local, 'note', 'hello'));
    expect(seen).toContain('hello');
    await nest.close();
    expect(seen.slice(-3)).toEqual(['end', 'end', 'end']);
  });
});

describe('an error of a subscriber', () => {
  afterEach(() => {
    process.off('uncaughtException', keep);
    uncaught.length = 0;
  });

  it('is logged and counted, and ends neither the process nor the node, its subscription or others', async () => {
    process.on('uncaughtException', keep);
    const [a, b] = await cluster.start('a', 'b');
    const failures = failuresOf(b!);
    const service = MembershipService.of(b!);
    const before = b!.stats.handlerErrors;
    let calls = 0;
    const fails = (): never => {
      calls++;
      throw new RangeError(`call ${calls}`);
    };
    service.messages$('note').subscribe(fails);
    service.messages$('note').subscribe({ next: fails });
    service
      .messages$('note')
      .pipe(map(({ data }) => data))
      .subscribe(fails);
    service
      .messages$('note')
      .pipe(bufferCount(1))
      .pipe(map(([message]) => message!.data))
      .subscribe(fails);
    const { seen } = record(service.messages$('note'), ({ data }) => String(data));
    for (const n of [1, 2]) await cluster.run(a!.emit(b!.local, 'note', n));
    await afterTimers();
    expect(uncaught).toEqual([]);
    expect(seen).toEqual(['1', '2']);
    expect(calls).toBe(8);
    expect(b!.stats.handlerErrors - before).toBe(8);
    expect(failures[0]).toBe('A subscriber of messages$("note") failed: call 1');
    expect(failures).toHaveLength(8);
  });

  it('in an operator ends that subscription only, and is logged where nobody handles it', async () => {
    process.on('uncaughtException', keep);
    const [a] = await cluster.start('a', 'b');
    const failures = failuresOf(a!);
    const { members$, events$ } = MembershipService.of(a!);
    const broken = members$.pipe(
      map(() => {
        throw new RangeError('operator');
      }),
    );
    broken.subscribe();
    broken.subscribe(() => undefined);
    const handled = record(broken, String);
    const { seen } = record(events$, ({ type }) => type);
    await cluster.start('c');
    await cluster.until(() => seen.length > 0);
    await afterTimers();
    expect(uncaught).toEqual([]);
    expect(handled.seen).toEqual(['error RangeError: operator']);
    expect(failures).toEqual([
      'A subscriber of members$ failed: operator',
      'A subscriber of members$ failed: operator',
    ]);
    expect(seen).toEqual(['joined']);
  });

  it('in the callbacks for completion and errors is logged as well', async () => {
    process.on('uncaughtException', keep);
    const a = cluster.node('a');
    const failures = failuresOf(a);
    const fails = (): never => {
      throw new RangeError('callback');
    };
    const { events$, members$ } = MembershipService.of(a);
    events$.subscribe({ complete: fails });
    members$.pipe(map(fails)).subscribe({ error: fails });
    await cluster.run(a.start());
    await cluster.run(a.close());
    await afterTimers();
    expect(uncaught).toEqual([]);
    expect(a.stats.handlerErrors).toBe(2);
    expect(failures).toContain('A subscriber of members$ failed: callback');
  });

  it('is what a promise of it rejects with, also where pipe makes the promise', async () => {
    const [a] = await cluster.start('a', 'b');
    const { members$ } = MembershipService.of(a!);
    const first = members$.pipe((source) => firstValueFrom(source) as never) as unknown as Promise<
      readonly Member[]
    >;
    expect(names(await first)).toBe('ab');
    const seen: string[] = [];
    const each = members$.forEach((view) => {
      seen.push(names(view));
      throw new RangeError('each');
    });
    await expect(each).rejects.toThrow('each');
    expect(seen).toEqual(['ab']);
  });

  it('reaches who combines streams or awaits one, as with any Observable', async () => {
    const [a] = await cluster.start('a', 'b');
    const { members$ } = MembershipService.of(a!);
    expect(await firstValueFrom(merge(members$.pipe(map(names)), of('x')).pipe(take(2), toArray()))).toEqual([
      'ab',
      'x',
    ]);
    const failing = members$.pipe(
      map(() => {
        throw new RangeError('operator');
      }),
    );
    await expect(firstValueFrom(failing)).rejects.toThrow('operator');
    expect(a!.stats.handlerErrors).toBe(0);
  });
});
