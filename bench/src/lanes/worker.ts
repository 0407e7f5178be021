import {
  seeds,
  startNode,
  tcpTransport,
  type ClusterNode,
  type Transport,
  type TransportContext,
} from 'clusterpack/core';
import { payloadOf } from '../messages/contender.js';
import { answer } from '../workers.js';

/** What a worker is asked to send at full speed. */
export interface Flood {
  readonly to: string;
  readonly bytes: number;
  readonly inFlight: number;
  readonly ms: number;
}

/** Pings of our own on the lane of the protocol's. */
const PING = 1;
const PONG = 2;
const PING_EVERY_MS = 20;
const JOINED_MS = 30_000;

let node: ClusterNode;
let transport: Transport;
let suspected = 0;
let onPong: () => void = () => undefined;
let holdsUp = false;
const heldUp: (() => void)[] = [];

/** Node's own transport, which also takes pings from this benchmark; the protocol's begin with other bytes. */
function watched(context: TransportContext): Transport {
  transport = tcpTransport(context);
  const { bind } = transport;
  transport.bind = (endpoint, options) =>
    bind.call(transport, endpoint, {
      ...options,
      host: {
        ...options?.host,
        protocolMessage: (from, body) => {
          const kind = body instanceof Uint8Array && body.length === 1 ? body[0] : 0;
          if (kind === PING) transport.cast(from, Uint8Array.of(PONG));
          else if (kind === PONG) onPong();
          else options?.host?.protocolMessage?.(from, body);
        },
      },
    });
  return transport;
}

async function flood({ to, bytes, inFlight, ms }: Flood): Promise<number> {
  const payload = payloadOf(bytes);
  const endMs = performance.now() + ms;
  let sent = 0;
  const lane = async (): Promise<void> => {
    for (; performance.now() < endMs; sent++) await node.send(to, payload);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return sent;
}

/** Round trips in milliseconds. */
async function pings({ to, ms }: { to: string; ms: number }): Promise<number[]> {
  const peer = node.member(to)!;
  const trips: number[] = [];
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) {
    const start = performance.now();
    const pong = new Promise<void>((resolve) => (onPong = resolve));
    transport.cast(peer, Uint8Array.of(PING));
    await pong;
    trips.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, PING_EVERY_MS));
  }
  return trips;
}

/** How long messages of 64 bytes take, one after the other, while a large one is on its way. */
async function smallBeside({ to, bytes }: { to: string; bytes: number }): Promise<number[]> {
  const large = node.send(to, payloadOf(bytes));
  const time = { isOver: false };
  void large.finally(() => (time.isOver = true));
  const small = payloadOf(64);
  const trips: number[] = [];
  while (!time.isOver) {
    const start = performance.now();
    await node.emit(to, 'small', small);
    trips.push(performance.now() - start);
  }
  await large;
  return trips;
}

/** Sends to one who takes nothing, for so long; gives this process's memory in the meantime, in MiB. */
async function pushAgainst({ to, ms }: { to: string; ms: number }): Promise<number[]> {
  const endMs = performance.now() + ms;
  const giveUp = new AbortController();
  const refused = { count: 0 };
  const memory: number[] = [];
  const payload = payloadOf(1024);
  while (performance.now() < endMs) {
    for (let count = 0; count < 1000; count++)
      void node.send(to, payload, { signal: giveUp.signal }).catch(() => refused.count++);
    await new Promise((resolve) => setTimeout(resolve, 50));
    memory.push(process.memoryUsage.rss() / 2 ** 20);
  }
  giveUp.abort();
  return memory;
}

answer({
  start: async (found: string[]) => {
    node = await startNode({ clusterName: 'bench', port: 0, discovery: seeds(found), transport: watched });
    node.onEvent((event) => {
      if (event.type === 'suspected') suspected++;
    });
    node.onMessage(undefined, () =>
      holdsUp ? new Promise<void>((resolve) => heldUp.push(resolve)) : undefined,
    );
    node.onMessage('small', () => undefined);
    await node.join();
    const { host, port } = node.local.address;
    return { id: node.local.id, address: `${host}:${port}` };
  },
  joined: (members: number) => node.whenReady({ members, timeoutMs: JOINED_MS }),
  flood,
  pings,
  smallBeside,
  pushAgainst,
  holdUp: (on: boolean) => {
    holdsUp = on;
    if (!on) for (const resolve of heldUp.splice(0)) resolve();
  },
  suspected: () => suspected,
  rss: () => process.memoryUsage.rss() / 2 ** 20,
});
