import { createNodeId, type NodeId } from '../../../src/node-id.js';
import type { Link, LinkHandler } from '../../../src/transport/link.js';
import type { DataFrame, Frame, LinkPurpose } from '../../../src/transport/session/frame.js';
import type { RecordedNode, Transports } from '../cluster-of-transports.js';

const NOTHING = new Uint8Array(0);

/** As whom, and for what. */
interface As {
  readonly id?: NodeId;
  readonly epoch?: number;
  readonly purpose?: LinkPurpose;
}

/** A peer that shakes hands as it should, on the payload lane unless told otherwise, and then does as it likes. */
export class Impostor implements LinkHandler {
  isClosed = false;
  readonly frames: Frame[] = [];
  #link!: Link;

  static async connect(
    cluster: Transports,
    victim: RecordedNode,
    { id = createNodeId(1, cluster.random.bytes(10)), epoch = 0, purpose = 'payload' }: As = {},
  ): Promise<Impostor> {
    const impostor = new Impostor();
    cluster.network.links('impostor').dial(victim.address, 1000, {
      opened: (link) => {
        impostor.#link = link;
        return impostor;
      },
      failed: (_report, error) => {
        throw error;
      },
    });
    await cluster.run(10);
    impostor.send({
      type: 'hello',
      purpose,
      minVersion: 1,
      maxVersion: 1,
      clusterName: 'test',
      id,
      address: { host: '10.9.9.9', port: 9 },
      wanted: undefined,
      serializer: '',
      record: NOTHING,
      offer: purpose === 'payload' ? { epoch, firstUnacked: 0 } : undefined,
      name: 'impostor',
    });
    await cluster.run(10);
    impostor.send({
      type: 'ready',
      answer: purpose === 'payload' ? { known: false, expected: 0 } : undefined,
    });
    await cluster.run(10);
    return impostor;
  }

  /** The link ends without a word. */
  leave(): void {
    this.#link.destroy();
  }

  send(frame: Frame): void {
    this.#link.send(frame);
  }

  data(fields: Partial<DataFrame>): void {
    this.send({
      type: 'data',
      seq: 0,
      stream: 0,
      first: true,
      last: true,
      free: false,
      kind: 0,
      meta: NOTHING,
      correlation: 0,
      totalBytes: 0,
      chunk: NOTHING,
      ...fields,
    });
  }

  misbehave(what: string): void {
    switch (what) {
      case 'sends without credit':
        for (let seq = 0; seq < 3; seq++) this.data({ seq });
        break;
      case 'skips a sequence number':
        this.data({ seq: 1 });
        break;
      case 'sends a large payload without a permit':
        this.data({ last: false, totalBytes: 10_000_000, chunk: new Uint8Array(10) });
        break;
      case 'asks for a permit over the limit':
        this.send({ type: 'permit-request', stream: 0, free: false, bytes: 2 ** 40 });
        break;
      case 'acknowledges what was never sent':
        this.send({ type: 'ack', expected: 1 });
        break;
      case 'sends a chunk of nothing':
        this.data({ first: false });
        break;
      default:
        this.send({ type: 'ready', answer: undefined });
    }
  }

  frame(frame: Frame): void {
    this.frames.push(frame);
  }

  drained(): void {}

  closed(): void {
    this.isClosed = true;
  }
}
