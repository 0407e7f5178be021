import { beforeEach, describe, expect, it } from '@jest/globals';
import type { ClusterError } from '../../../src/errors.js';
import type { DataFrame, Frame } from '../../../src/transport/session/frame.js';
import { DEFAULT_LIMITS, MAX_UNACKED_FRAMES } from '../../../src/transport/session/limits.js';
import { OutgoingMessage } from '../../../src/transport/session/message.js';
import { OutgoingSession } from '../../../src/transport/session/outgoing-session.js';
import { noCounts } from '../../../src/transport/session/world.js';
import { FakeLink } from './fakes.js';

const CHUNK_BYTES = DEFAULT_LIMITS.chunkBytes;
const NOTHING = new Uint8Array(0);
const FORGOTTEN = { known: false, expected: 0 };

class Message extends OutgoingMessage {
  outcome = 'pending';

  constructor(bytes: number | Uint8Array, stream = 0) {
    super(typeof bytes === 'number' ? new Uint8Array(bytes) : bytes, stream, 1, NOTHING, 0, false);
  }

  settled(error: ClusterError | undefined): void {
    this.outcome = error?.name ?? 'acknowledged';
  }
}

/** A link that takes so many data frames, and then says that it is full. */
class NarrowLink extends FakeLink {
  room = Infinity;

  override send(frame: Frame): boolean {
    super.send(frame);
    if (frame.type === 'data') this.room--;
    return this.room > 0;
  }

  get data(): readonly DataFrame[] {
    return this.sent.filter((frame): frame is DataFrame => frame.type === 'data');
  }
}

let session: OutgoingSession;

/** Gives the session a link to a receiver that does not know it, and credit. */
function linked(link: NarrowLink, messages = 100): NarrowLink {
  session.attach(link, FORGOTTEN);
  session.credited({ type: 'credit', stream: 0, messages, bytes: 8 * CHUNK_BYTES });
  return link;
}

beforeEach(() => {
  session = new OutgoingSession(1, DEFAULT_LIMITS, noCounts());
});

describe('a message of which some frames were written', () => {
  it('begins again, from its first byte, where the receiver has forgotten the session', () => {
    const before = linked(new NarrowLink());
    before.room = 1;
    const message = new Message(3 * CHUNK_BYTES);
    session.send(message);
    expect(before.data.map(({ first }) => first)).toEqual([true]);
    session.detach(before);

    const after = linked(new NarrowLink());
    expect(after.data.map(({ seq, first, last }) => ({ seq, first, last }))).toEqual([
      { seq: 0, first: true, last: false },
      { seq: 1, first: false, last: false },
      { seq: 2, first: false, last: true },
    ]);
    expect(after.data[0]!.totalBytes).toBe(3 * CHUNK_BYTES);
    session.acked(3);
    expect(message.outcome).toBe('acknowledged');
  });
});

describe('a session with as many unacknowledged frames as it may have', () => {
  it('goes on as soon as one is acknowledged', () => {
    const limits = { ...DEFAULT_LIMITS, sendQueueMessages: 2 * MAX_UNACKED_FRAMES };
    session = new OutgoingSession(1, limits, noCounts());
    const link = linked(new NarrowLink(), 2 * MAX_UNACKED_FRAMES);
    for (let count = 0; count < MAX_UNACKED_FRAMES + 2; count++) session.send(new Message(1));
    expect(link.data).toHaveLength(MAX_UNACKED_FRAMES);
    session.acked(1);
    expect(link.data).toHaveLength(MAX_UNACKED_FRAMES + 1);
    session.acked(3);
    expect(link.data).toHaveLength(MAX_UNACKED_FRAMES + 2);
  });
});

describe('a message that has a permit and is given up before it begins', () => {
  it('gives the permit back, and the next one asks for its own', () => {
    const link = linked(new NarrowLink());
    const asked = (): unknown[] =>
      link.sent.flatMap((frame) => (frame.type === 'permit-request' ? frame.bytes : []));
    const [first, second] = [new Message(5 * CHUNK_BYTES), new Message(6 * CHUNK_BYTES)];
    session.send(first);
    session.send(second);
    expect(asked()).toEqual([first.cost]);
    // The link is full when the permit comes, so that it is held and not used.
    link.room = 1;
    session.send(new Message(1, 1));
    session.permitted({ type: 'permit', stream: 0, free: false, bytes: first.cost });
    session.abort(first, 'It took too long');
    expect(first.outcome).toBe('NotDeliveredError');
    expect(asked()).toEqual([first.cost, 0]);

    link.room = Infinity;
    session.drained();
    expect(asked()).toEqual([first.cost, 0, second.cost]);
    expect(link.data).toHaveLength(1);
  });
});

describe('a message that is given up after it was written', () => {
  it.each([10, 3 * CHUNK_BYTES])(
    'of %i bytes is sent again as it was, though its Buffer is used for something else; the link hears first',
    (bytes) => {
      const detached: number[] = [];
      const before = linked(
        Object.assign(new NarrowLink(), { detach: (chunk: Uint8Array) => detached.push(chunk.length) }),
      );
      const payload = Buffer.alloc(bytes, 1);
      const message = new Message(payload);
      session.send(message);
      session.abort(message, 'It took too long');
      expect(message.outcome).toBe('DeliveryUncertainError');
      payload.fill(9);
      session.detach(before);
      const after = new NarrowLink();
      session.attach(after, { known: true, expected: 0 });
      session.credited({ type: 'credit', stream: 0, messages: 100, bytes: 8 * CHUNK_BYTES });
      expect(detached.reduce((sum, length) => sum + length, 0)).toBe(bytes);
      expect(Buffer.concat(after.data.map(({ chunk }) => chunk)).equals(Buffer.alloc(bytes, 1))).toBe(true);
    },
  );
});
