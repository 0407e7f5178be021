import { describe, expect, it } from '@jest/globals';
import { Loopback } from '../../../src/cluster/messaging/loopback.js';
import { sendingOf } from '../../../src/cluster/messaging/sending.js';
import { SendQueueFullError } from '../../../src/errors.js';
import type { IncomingMessage } from '../../../src/transport/transport.js';
import { idOf } from '../../support/members.js';

const self = idOf('a');
const meta = new Uint8Array(0);
const message = sendingOf(0, meta, 0, undefined);
const reply = sendingOf(3, meta, 64, undefined, 7, true);

function setUp(sendQueueMessages: number, sendQueueBytes = 1000) {
  const held: IncomingMessage[] = [];
  const loopback = new Loopback(
    (incoming) => {
      held.push(incoming);
      return 'held';
    },
    { sendQueueMessages, sendQueueBytes },
  );
  return { held, loopback };
}

describe('a message to the node itself', () => {
  it('has bytes of its own: the caller may use its Buffer again when the promise has settled', async () => {
    const { held, loopback } = setUp(10);
    const payload = Buffer.from([1, 1]);
    await loopback.send(self, payload, message);
    payload.fill(9);
    expect([...held[0]!.payload]).toEqual([1, 1]);
  });

  it('is refused beyond the limit; replies are not, and make no room', async () => {
    const { held, loopback } = setUp(1);
    await loopback.send(self, meta, message);
    await expect(loopback.send(self, meta, message)).rejects.toBeInstanceOf(SendQueueFullError);
    for (let i = 0; i < 3; i++) await loopback.send(self, meta, reply);
    expect(held.map(({ correlation }) => correlation)).toEqual([0, 7, 7, 7]);
    held[1]!.release();
    await expect(loopback.send(self, meta, message)).rejects.toBeInstanceOf(SendQueueFullError);
    held[0]!.release();
    await loopback.send(self, meta, message);
  });

  it('is refused beyond the limit of bytes, unless nothing else waits', async () => {
    const { held, loopback } = setUp(10, 1000);
    await loopback.send(self, new Uint8Array(5000), message);
    await expect(loopback.send(self, new Uint8Array(1), message)).rejects.toThrow(/limits.sendQueueBytes/);
    await loopback.send(self, new Uint8Array(5000), reply);
    held[0]!.release();
    const two = [600, 600].map((bytes) => loopback.send(self, new Uint8Array(bytes), message));
    expect((await Promise.allSettled(two)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('that is aborted before it was sent makes room', async () => {
    const { loopback } = setUp(1);
    const aborter = new AbortController();
    const aborted = loopback.send(self, meta, sendingOf(0, meta, 0, aborter.signal));
    aborter.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('aborted');
    await loopback.send(self, meta, message);
  });
});
