import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, TestProcess, until } from './processes.js';

/** Writes who it is when it has started. The clock begins with its process. */
const PROGRAM = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClusterModule, MembershipService, seeds } from 'clusterpack';

const { CLUSTER_NAME: clusterName, PORT, SEED, HOOKS } = process.env as Record<string, string>;

@Module({
  imports: [ClusterModule.forRoot({ clusterName, nodeName: 'watched', port: Number(PORT), discovery: seeds(SEED!) })],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
if (HOOKS === 'yes') app.enableShutdownHooks();
const { id } = app.get(MembershipService).local;
console.log(JSON.stringify({ started: id, pid: process.pid, beganMs: performance.timeOrigin, version: VERSION }));
`;

const CONFIGURATION = {
  'package.json': { name: 'watched', type: 'module' },
  'nest-cli.json': { sourceRoot: 'src' },
  'tsconfig.json': {
    compilerOptions: {
      target: 'es2022',
      module: 'nodenext',
      moduleResolution: 'nodenext',
      types: ['node'],
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      strict: true,
      skipLibCheck: true,
      outDir: 'dist',
      rootDir: 'src',
    },
    include: ['src'],
  },
};

const FORGOTTEN_WITHIN_MS = 15_000;
const PACKAGES = ['@nestjs', '@types', 'reflect-metadata', 'rxjs', 'typescript'];

/** The program after its start. */
interface Started {
  readonly started: string;
  readonly pid: number;
  readonly beganMs: number;
  readonly version: number;
}

interface Seen {
  readonly event: string;
  readonly member: string;
  readonly address: string;
  readonly active: readonly string[];
  readonly atMs: number;
}

let folder: string;
let processes: TestProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clusterpack-watch-'));
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'node_modules'));
  for (const name of PACKAGES)
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  symlinkSync(ROOT, join(folder, 'node_modules/clusterpack'));
  for (const [name, content] of Object.entries(CONFIGURATION))
    writeFileSync(join(folder, name), JSON.stringify(content));
});
afterEach(async () => {
  for (const each of processes) if (each.isRunning) each.kill('SIGKILL');
  // The program is a child of the one that watches, and outlives it.
  for (const { pid } of processes.flatMap((each) => facts<Started>(each, 'started'))) end(pid);
  await Promise.all(processes.map((each) => each.close()));
  processes = [];
  rmSync(folder, { recursive: true });
});

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended before.
  }
}

function save(version: number): void {
  writeFileSync(join(folder, 'src/main.ts'), `const VERSION = ${version};\n${PROGRAM}`);
}

function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}, cwd = ROOT): TestProcess {
  const process = TestProcess.node(args, environment, cwd);
  processes.push(process);
  return process;
}

/** Lines of JSON among whatever else a process writes. */
function facts<T>(process: TestProcess, key: string): T[] {
  return process.stdout
    .split('\n')
    .filter((line) => line.startsWith(`{"${key}"`) && line.endsWith('}'))
    .map((line) => JSON.parse(line) as T);
}

describe('nest start --watch', () => {
  it.each(['yes', 'no'])(
    'restarts the program at the same port, and others forget the old id; shutdown hooks: %s',
    async (hooks) => {
      const clusterName = `watch-${randomBytes(4).toString('hex')}`;
      const witness = start([join(ROOT, 'test/process/fixtures/witness.mjs'), clusterName]);
      const { address: seed } = await until(
        'the witness is there',
        () => facts<{ address: string }>(witness, 'address')[0],
        { report: () => witness.output() },
      );
      const port = await freePort();
      save(1);
      const nest = join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js');
      const environment = { CLUSTER_NAME: clusterName, PORT: String(port), SEED: seed, HOOKS: hooks };
      const watcher = start([nest, 'start', '--watch', '--preserveWatchOutput'], environment, folder);
      const started = (version: number): Promise<Started> =>
        until(
          `version ${version} has started`,
          () => facts<Started>(watcher, 'started').find((each) => each.version === version),
          { withinMs: 60_000, report: () => watcher.output() },
        );
      const saw = (what: string, is: (seen: Seen) => boolean): Promise<Seen> =>
        until(what, () => facts<Seen>(witness, 'event').find(is), { report: () => witness.output() });

      const { started: old } = await started(1);
      await saw('the first one joins', ({ event, member }) => event === 'joined' && member === old);
      save(2);
      const { started: fresh, beganMs } = await started(2);
      const gone = await saw(
        'the old one is gone',
        ({ event, member }) => member === old && (event === 'left' || event === 'unreachable'),
      );
      const both = await saw(
        'only the new one is there',
        ({ active }) => active.length === 1 && active[0] === fresh,
      );
      expect(both.address).toBe(`127.0.0.1:${port}`);
      // Two seconds on a quiet machine, of which the start takes one. The deadline is for one that is not.
      expect(Math.max(gone.atMs, both.atMs) - beganMs).toBeLessThan(FORGOTTEN_WITHIN_MS);
      if (hooks === 'yes') expect(gone.event).toBe('left');
    },
    120_000,
  );
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
