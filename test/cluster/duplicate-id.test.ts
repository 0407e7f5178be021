import { afterEach, describe, expect, it } from '@jest/globals';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ClusterNode } from '../../src/cluster/node.js';
import { seeds } from '../../src/discovery/static.js';
import { Member } from '../../src/membership/membership.js';
import { swimCodec } from '../../src/membership/swim/codec.js';
import { createNodeId } from '../../src/node-id.js';
import { encodeFrame } from '../../src/transport/session/codec.js';
import { until } from '../support/until.js';

const CLUSTER = 'duplicate-id';
const HOST = '127.0.0.1';

let node: ClusterNode | undefined;
let liar: Server | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  await node?.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => liar?.close(resolve));
});

describe('a refusal that says that the id of a node is taken', () => {
  it('renames the node when it comes from whom its discovery named', async () => {
    const { port, heard } = await startLiar();
    const before = await startNode(`${HOST}:${port}`);
    await until('the node takes a new id', () => heard() > 0 && node!.local.id !== before);
  });

  it('changes nothing when a stranger made the node dial', async () => {
    const { port, heard } = await startLiar();
    const before = await startNode();
    join(port);
    await until('the node hears of it', () => heard() > 0);
    await until(
      'the connection is closed',
      () => (node!.stats.transport!.closedFor['duplicate-id'] ?? 0) > 0,
    );
    expect(node!.local.id).toBe(before);
  });
});

/** Answers every handshake in the same way. */
async function startLiar(): Promise<{ readonly port: number; heard(): number }> {
  let heard = 0;
  liar = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.once('data', () => {
      heard++;
      socket.write(encodeFrame({ type: 'refuse', reason: 'duplicate-id', detail: 'it is alive elsewhere' }));
    });
  });
  await new Promise<void>((resolve) => liar!.listen(0, HOST, resolve));
  return { port: (liar.address() as AddressInfo).port, heard: () => heard };
}

async function startNode(...known: string[]): Promise<string> {
  node = new ClusterNode({ clusterName: CLUSTER, port: 0, discovery: seeds(...known) });
  const { id } = node.local;
  await node.start();
  return id;
}

/** A stranger asks to be admitted, at the liar's address. */
function join(port: number): void {
  const id = createNodeId(Date.now(), new Uint8Array(10).fill(7));
  const address = { host: HOST, port };
  const member = Member.of({
    ...{ id, name: 'stranger', address, metadata: {}, health: 'ok', state: 'alive' },
    ...{ startedAtMs: 1, incarnation: 0, minVersion: 1, maxVersion: 1 },
  });
  const socket = connect(node!.local.address.port, HOST);
  sockets.push(socket.on('error', () => undefined));
  const none = new Uint8Array(0);
  socket.write(
    encodeFrame({
      ...{
        type: 'hello',
        purpose: 'protocol',
        minVersion: 1,
        maxVersion: 1,
        clusterName: CLUSTER,
        id,
        address,
      },
      ...{ wanted: undefined, serializer: '', record: none, offer: undefined, name: 'stranger' },
    }),
  );
  socket.once('data', () => {
    socket.write(encodeFrame({ type: 'ready', answer: undefined }));
    socket.write(
      encodeFrame({ type: 'protocol', body: swimCodec.encode({ type: 'join', attempt: 1, member }) }),
    );
  });
}
