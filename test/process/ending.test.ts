import { afterEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ROOT, TestProcess } from './processes.js';

const FIXTURES = join(ROOT, 'test/process/fixtures');

let program: TestProcess | undefined;
afterEach(() => program?.close());

describe('a closed node', () => {
  it('leaves nothing open: its process ends by itself', async () => {
    program = TestProcess.node([
      join(FIXTURES, 'closing-node.mjs'),
      `closing-${randomBytes(4).toString('hex')}`,
    ]);
    expect({ ...(await program.ended()), stderr: program.stderr }).toEqual({
      code: 0,
      signal: null,
      stderr: '',
    });
    expect(JSON.parse(program.stdout)).toEqual({ sum: 5, statuses: ['closed', 'closed'] });
  });
});

describe('a start that fails half-way', () => {
  it.each(['onModuleInit', 'onApplicationBootstrap'])(
    'in the %s of the application ends the process and frees the port',
    async (hook) => {
      const port = await freePort();
      program = TestProcess.node([join(FIXTURES, 'failing-start.mjs'), hook, String(port)]);
      expect(await program.ended()).toEqual({ code: 1, signal: null });
      expect(program.stderr.trim()).toBe('the database is down');
      expect(program.stdout).toContain(`at port ${port}`);
      await listenOnce(port);
    },
  );
});

describe('a start that fails before the port is bound', () => {
  it('ends the process', async () => {
    const port = await freePort();
    program = TestProcess.node([join(FIXTURES, 'failing-start.mjs'), 'constructor', String(port)]);
    expect(await program.ended()).toEqual({ code: 1, signal: null });
    expect(program.stderr.trim()).toBe('the database is down');
    expect(program.stdout).toBe('');
  });
});

async function freePort(): Promise<number> {
  return listenOnce(0);
}

/** Listens at a port for a moment; fails if somebody else does. */
async function listenOnce(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
