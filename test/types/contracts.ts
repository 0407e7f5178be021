/**
 * What must type-check and what must not, once an application has said what its messages are. A line after
 * `@ts-expect-error` has to be wrong, or the compiler complains.
 */
import {
  ClusterMessage,
  Member,
  OnClusterMessage,
  OnClusterRequest,
  type DataOf,
  type MembershipService,
  type MessageHandler,
  type ReplyOf,
  type RequestHandler,
  type RequestOutcome,
} from 'clusterpack';
import type { ClusterNode } from 'clusterpack/core';

interface Quote {
  readonly sku: string;
}
interface Price {
  readonly cents: number;
}

declare module 'clusterpack' {
  interface ClusterContracts {
    'types-test.price': { data: Quote; reply: Price };
    'types-test.note': { data: string };
    'types-test.nothing': { data: undefined; reply: undefined };
  }
}

/** Compiles if the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_yes: Same<A, B>): void => undefined;

same<DataOf<'types-test.price'>, Quote>(true);
same<ReplyOf<'types-test.price'>, Price>(true);
same<DataOf<'types-test.note'>, string>(true);
same<DataOf<'types-test.elsewhere'>, number>(true);
same<ReplyOf<'types-test.note'>, unknown>(true);
same<DataOf<'unheard of'>, unknown>(true);
same<DataOf<undefined>, Uint8Array>(true);
same<DataOf<string>, unknown>(true);
// @ts-expect-error The comparison itself can fail.
same<DataOf<'types-test.price'>, unknown>(true);

export async function emits(cluster: MembershipService, to: Member, text: string): Promise<void> {
  await cluster.emit(to, 'types-test.note', 'hello');
  await cluster.emit(to.id, 'types-test.price', { sku: 'a' }, { headers: { tenant: 'x' } });
  await cluster.emit('id', 'unheard of', { anything: true });
  await cluster.emit(to, text, 5);
  await cluster.emitAll('types-test.note', 'hello', { includeSelf: true });
  // @ts-expect-error The data of a known pattern.
  await cluster.emit(to, 'types-test.note', 5);
  // @ts-expect-error A property that it lacks.
  await cluster.emit(to, 'types-test.price', {});
  // @ts-expect-error A property that it does not have.
  await cluster.emit(to, 'types-test.price', { sku: 'a', size: 1 });
  // @ts-expect-error The data of a known pattern, to all.
  await cluster.emitAll('types-test.note', { text: 'hello' });
}

export async function forgets(cluster: MembershipService, to: Member): Promise<void> {
  // @ts-expect-error Whoever forgot the pattern of emit has not sent bytes.
  await cluster.send(to, 'types-test.note', 'hello');
  // @ts-expect-error A value is no bytes.
  await cluster.send(to, { sku: 'a' });
  // @ts-expect-error No payload.
  await cluster.send(to);
  // @ts-expect-error No recipient.
  await cluster.send(new Uint8Array(1));
  // @ts-expect-error No recipient.
  await cluster.emit('types-test.note', 'hello');
  // @ts-expect-error No data.
  await cluster.emit(to, 'types-test.note');
  // @ts-expect-error No data, of a pattern that is unknown.
  await cluster.emit(to, 'unheard of');
  // @ts-expect-error No data.
  await cluster.request(to, 'types-test.price');
  // @ts-expect-error No data: options are none.
  await cluster.requestAny('types-test.price', { where: () => true });
  // @ts-expect-error What is to be sent is no pattern.
  await cluster.emitAll({ sku: 'a' });
  // @ts-expect-error member(id) may have found nobody.
  await cluster.send(cluster.member('x'), new Uint8Array(1));
  await cluster.send(to, new Uint8Array(1), { signal: AbortSignal.timeout(5) });
}

export async function requests(cluster: MembershipService, node: ClusterNode, to: Member): Promise<number> {
  const price = await cluster.request(to, 'types-test.price', { sku: 'a' }, { timeoutMs: 5 });
  same<typeof price, Price>(true);
  const any = await cluster.requestAny(
    'types-test.price',
    { sku: 'a' },
    { where: (member) => member.name === 'b' },
  );
  const ofNode = await node.requestAny(
    'types-test.price',
    { sku: 'a' },
    { where: ({ metadata }) => 'zone' in metadata },
  );
  const unknown = await cluster.request(to, 'unheard of', 1);
  same<typeof unknown, unknown>(true);
  await cluster.request(to, 'types-test.nothing', undefined);
  // @ts-expect-error The data of a known pattern.
  await cluster.request(to, 'types-test.price', { sku: 1 });
  // @ts-expect-error The reply has no such property.
  void (await cluster.request(to, 'types-test.price', { sku: 'a' })).euros;
  // @ts-expect-error What is unknown has no properties.
  void unknown.cents;
  // @ts-expect-error "where" is about a member.
  await cluster.requestAny('types-test.price', { sku: 'a' }, { where: 'b' });
  // @ts-expect-error There is no such option.
  await cluster.requestAny('types-test.price', { sku: 'a' }, { timeout: 5 });
  return price.cents + any.cents + ofNode.cents;
}

export async function outcomes(cluster: MembershipService): Promise<number> {
  let cents = 0;
  const all = await cluster.requestAll(
    'types-test.price',
    { sku: 'a' },
    { where: () => true, includeSelf: true },
  );
  for (const outcome of all) {
    same<typeof outcome, RequestOutcome<Price>>(true);
    if (outcome.error === undefined) cents += outcome.reply.cents;
    else cents -= outcome.error.code.length;
    // @ts-expect-error Nobody has asked whether there is one.
    cents += outcome.reply.cents;
  }
  // @ts-expect-error An outcome has a reply or an error.
  const neither: RequestOutcome<Price> = { member: cluster.local };
  return cents + (neither.reply?.cents ?? 0);
}

export function handlers(cluster: MembershipService, node: ClusterNode, text: string): void {
  cluster.onMessage('types-test.note', (note, message) => {
    same<typeof note, string>(true);
    same<typeof message, ClusterMessage<string>>(true);
    same<typeof message.data, string>(true);
    return note.length;
  });
  cluster.onMessage(undefined, (bytes, { payload }) => bytes.length === payload.length);
  cluster.onMessage('unheard of', (data) => same<typeof data, unknown>(true));
  cluster.onMessage(text, (data: unknown) => data);
  node.onMessage('types-test.note', (note) => note.length, { order: 'per-sender', concurrency: 2 });
  cluster.onRequest('types-test.price', ({ sku }) => ({ cents: sku.length }));
  cluster.onRequest('types-test.price', async ({ sku }) => ({ cents: sku.length }));
  node.onRequest('types-test.price', ({ sku }, { sender }) =>
    Promise.resolve({ cents: sku.length + sender.name.length }),
  );
  cluster.onRequest('unheard of', () => new Date());
  cluster.onRequest('types-test.nothing', () => undefined);
  // @ts-expect-error The handler takes something else.
  cluster.onMessage('types-test.note', (note: number) => note);
  // @ts-expect-error A string has no such method.
  cluster.onMessage('types-test.note', (note) => note.getTime());
  // @ts-expect-error Raw messages are bytes.
  cluster.onMessage(undefined, (bytes: string) => bytes);
  // @ts-expect-error The reply is of another type.
  cluster.onRequest('types-test.price', () => 5);
  // @ts-expect-error So is what the promise gives.
  cluster.onRequest('types-test.price', async () => ({ euros: 5 }));
  // @ts-expect-error A forgotten return.
  node.onRequest('types-test.price', ({ sku }) => void sku);
  // @ts-expect-error There is one order only.
  cluster.onMessage('types-test.note', () => undefined, { order: 'strict' });
  // @ts-expect-error No handler.
  cluster.onMessage('types-test.note');
}

export const note: MessageHandler<'types-test.note'> = (data, message) => data.length + message.data.length;
export const price: RequestHandler<'types-test.price'> = ({ sku }) => ({ cents: sku.length });
export const any: RequestHandler = (data, message) => [data, message.data];

export function streams(cluster: MembershipService): void {
  cluster.messages$('types-test.note').subscribe(({ data }) => same<typeof data, string>(true));
  cluster.messages$().subscribe(({ data }) => same<typeof data, Uint8Array>(true));
  cluster.messages$('unheard of').subscribe(({ data }) => same<typeof data, unknown>(true));
  cluster.members$.subscribe((view) => same<typeof view, readonly Member[]>(true));
  cluster.events$.subscribe(({ member }) => member.name);
  // @ts-expect-error A string has no such method.
  cluster.messages$('types-test.note').subscribe(({ data }) => data.getTime());
  // @ts-expect-error No such pattern can be.
  cluster.messages$(5);
}

export class Prices {
  @OnClusterRequest('types-test.price', { order: 'per-sender' })
  find({ sku }: Quote, message: ClusterMessage<Quote>): Price {
    return { cents: sku.length + message.data.sku.length };
  }

  @OnClusterMessage('types-test.note', { concurrency: 4 })
  note(text: string, { sender }: ClusterMessage<string>): string {
    return text + sender.name;
  }

  @OnClusterMessage({ cluster: 'orders', order: 'per-sender' })
  raw(_bytes: Uint8Array, _message: ClusterMessage<Uint8Array>): void {}

  // @ts-expect-error There is one order only.
  @OnClusterMessage('types-test.note', { order: 'any' })
  wrong(): void {}
}

// @ts-expect-error Messages are made by the library.
export const made = new ClusterMessage<string>({});
