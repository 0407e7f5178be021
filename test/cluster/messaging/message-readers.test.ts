import { describe, expect, it } from '@jest/globals';
import { MessageReaders } from '../../../src/cluster/messaging/message-readers.js';
import { Message } from '../../../src/membership/membership.js';
import { memberOf } from '../../support/members.js';

const message = (text: string): Message => Message.of(memberOf('a'), Buffer.from(text), {}, 0);

describe('a message for several readers', () => {
  it('is released once, when the slowest reader asks for the next', async () => {
    const readers = new MessageReaders();
    const quick = readers[Symbol.asyncIterator]();
    const slow = readers[Symbol.asyncIterator]();
    let released = 0;
    readers.push(message('1'), () => released++);
    await quick.next();
    void quick.next();
    await slow.next();
    expect(released).toBe(0);
    void slow.next();
    expect(released).toBe(1);
  });

  it('is released when a reader that holds it stops reading', async () => {
    const readers = new MessageReaders();
    const reader = readers[Symbol.asyncIterator]();
    let released = 0;
    readers.push(message('1'), () => released++);
    readers.push(message('2'), () => released++);
    await reader.next();
    await reader.return?.();
    expect(released).toBe(2);
    expect(readers.size).toBe(0);
  });

  it('reaches readers in order', async () => {
    const readers = new MessageReaders();
    const reader = readers[Symbol.asyncIterator]();
    for (const text of ['1', '2', '3']) readers.push(message(text), () => undefined);
    readers.end();
    const seen: string[] = [];
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
      seen.push(Buffer.from(next.value.payload).toString());
    }
    expect(seen).toEqual(['1', '2', '3']);
  });
});
