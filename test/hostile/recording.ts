import { swimCodec } from '../../src/membership/swim/codec.js';
import type { SwimMessage } from '../../src/membership/swim/messages.js';
import type { NodeId } from '../../src/node-id.js';
import { LinkTap, type FrameWatcher } from '../../src/simulation/nodes/link-tap.js';
import { NodeCluster } from '../../src/simulation/nodes/node-cluster.js';
import { encodeFrame } from '../../src/transport/session/codec.js';
import type { Frame, HelloFrame } from '../../src/transport/session/frame.js';
import { ID, idBytes } from './play.js';

/** All that went over one link between two nodes that mean each other no harm, handshake included. */
export interface Recording {
  readonly lane: HelloFrame['purpose'];
  readonly dialler: NodeId;
  /** One piece for each frame, in order: what the dialling side sent … */
  readonly toAcceptor: readonly Uint8Array[];
  /** … and what it received. */
  readonly toDialler: readonly Uint8Array[];
}

/** More would be more of the same. */
const MAX_RECORDINGS = 40;
const MAX_FRAMES = 60;

/**
 * Records valid sessions, on both lanes and in both directions. Two real nodes join, talk, change what they tell of
 * themselves and leave: in the simulator, so that the same bytes are recorded in every run. The accepting side's id is
 * a stand-in in them, so that they can be said to any node.
 */
export async function recordSessions(clusterName: string): Promise<readonly Recording[]> {
  const links: { dialler: NodeId; toAcceptor: Frame[]; toDialler: Frame[] }[] = [];
  const cluster = new NodeCluster({
    seed: 5,
    wrapLinks: (inner, dialler) =>
      new LinkTap(inner, (role): FrameWatcher => {
        const link = { dialler, toAcceptor: [] as Frame[], toDialler: [] as Frame[] };
        if (role === 'dialled') links.push(link);
        return {
          sent: (frame) => void link.toAcceptor.push(kept(frame)),
          received: (frame) => void link.toDialler.push(kept(frame)),
        };
      }),
  });
  for (const name of ['a', 'b', 'c']) cluster.add(name, { clusterName, metadata: { zone: name } });
  const [a, b] = await cluster.start();
  a!.onMessage('tick', () => undefined);
  b!.onMessage('tick', () => undefined);
  a!.onRequest('twice', (data) => 2 * (data as { x: number }).x);
  const busy = async (): Promise<void> => {
    for (let round = 0; round < 3; round++) {
      await b!.emit(a!.local.id, 'tick', { from: 'b', seq: round, at: new Date(0), deep: [[[round]]] });
      await b!.request(a!.local.id, 'twice', { x: round });
    }
    // Longer than a chunk and than half a window: it comes in several frames, after a permit.
    await b!.send(a!.local.id, new Uint8Array(3_000_000)).catch(() => undefined);
    await a!.emit(b!.local.id, 'tick', { from: 'a', seq: 0 });
    await b!.updateMetadata({ zone: 'x', tags: ['one', 'two'] });
  };
  await cluster.run(busy());
  await cluster.leave('c');
  await cluster.close();
  return links
    .filter(({ toAcceptor, toDialler }) => toAcceptor[0]?.type === 'hello' && toDialler.length > 0)
    .slice(0, MAX_RECORDINGS)
    .map(({ dialler, toAcceptor, toDialler }) => {
      const acceptor = toDialler.find((frame) => frame.type === 'welcome')?.id;
      const asBytes = (frames: readonly Frame[]): Uint8Array[] =>
        frames.slice(0, MAX_FRAMES).map((frame) => standIn(encodeFrame(frame), acceptor));
      return {
        lane: (toAcceptor[0] as HelloFrame).purpose,
        dialler,
        toAcceptor: asBytes(toAcceptor),
        toDialler: asBytes(toDialler),
      };
    });
}

/** Memory links carry a protocol message as the object that it is; chunks may be used again after the call. */
function kept(frame: Frame): Frame {
  if (frame.type === 'protocol' && !(frame.body instanceof Uint8Array))
    return { type: 'protocol', body: Uint8Array.from(swimCodec.encode(frame.body as SwimMessage)) };
  // A recording of a large payload is about its frames, not about its bytes.
  if (frame.type === 'data') return { ...frame, chunk: frame.chunk.slice(0, 2048) };
  return frame;
}

function standIn(bytes: Uint8Array, acceptor: NodeId | undefined): Uint8Array {
  if (acceptor === undefined) return bytes;
  const patched = Buffer.from(bytes);
  const wanted = idBytes(acceptor);
  for (let at = patched.indexOf(wanted); at >= 0; at = patched.indexOf(wanted, at + 1))
    patched.set(idBytes(ID.target), at);
  return patched;
}
