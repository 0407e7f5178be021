import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, copyFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, TestProcess, until } from './processes.js';

const FIXTURES = join(ROOT, 'test/process/fixtures');

let folder: string;
let processes: TestProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clusterpack-'));
  processes = [];
});
afterEach(async () => {
  await Promise.all(processes.map((process) => process.close()));
  rmSync(folder, { recursive: true });
});

function run(args: readonly string[], environment: NodeJS.ProcessEnv = {}, cwd = ROOT): TestProcess {
  const process = TestProcess.node(args, environment, cwd);
  processes.push(process);
  return process;
}

describe('two applications in one process', () => {
  it('are two nodes that meet over TCP, and a third of another cluster stays alone', async () => {
    const process = run([join(FIXTURES, 'two-applications.mjs'), `two-${randomBytes(4).toString('hex')}`]);
    expect({ ...(await process.ended()), stderr: process.stderr }).toEqual({
      code: 0,
      signal: null,
      stderr: '',
    });
    expect(JSON.parse(process.stdout)).toEqual({
      together: { one: ['one', 'two'], two: ['one', 'two'], other: ['other'] },
      afterwards: { one: ['one'] },
    });
  });
});

describe('four Jest workers', () => {
  it('stay four clusters without being told', async () => {
    const process = run(
      [
        '--experimental-vm-modules',
        '--no-warnings',
        join(ROOT, 'node_modules/jest/bin/jest.js'),
        '--config',
        join(FIXTURES, 'jest-workers/jest.config.mjs'),
        '--maxWorkers=4',
        // Without timings of earlier runs Jest never decides to run all in one process.
        `--cacheDirectory=${join(folder, 'cache')}`,
      ],
      { BARRIER_FOLDER: folder },
    );
    const { code } = await process.ended(60_000);
    expect({ code, output: code === 0 ? '' : process.output() }).toEqual({ code: 0, output: '' });
    expect(process.stderr).toContain('4 passed, 4 total');
  });
});

describe('two projects on one machine', () => {
  it('stay two clusters of their own without a single option', async () => {
    const random = randomBytes(4).toString('hex');
    const projects = [`bakery-${random}`, `butcher-${random}`];
    for (const project of projects) makeProject(project);
    const running = projects.flatMap((project) => [1, 2].map(() => ({ project, process: start(project) })));
    for (const { project, process } of running) {
      const own = running.filter((other) => other.project === project);
      await until(
        `a process of ${project} sees both of its project`,
        () => lastView(process)?.members.length === 2,
        {
          report: () => running.map((each) => each.process.output()).join('\n'),
        },
      );
      const view = lastView(process)!;
      expect(view.cluster).toContain(project);
      expect(view.members).toHaveLength(own.length);
      expect(view.members).toEqual(own.map((each) => lastView(each.process)!.name).toSorted());
    }
    for (const { process } of running) process.kill('SIGTERM');
    for (const { process } of running) expect((await process.ended()).code).toBe(0);
  });

  function makeProject(name: string): void {
    const at = join(folder, name);
    mkdirSync(join(at, 'node_modules'), { recursive: true });
    symlinkSync(ROOT, join(at, 'node_modules/clusterpack'), 'dir');
    writeFileSync(join(at, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
    copyFileSync(join(FIXTURES, 'default-node.mjs'), join(at, 'main.mjs'));
  }

  function start(project: string): TestProcess {
    return run([join(folder, project, 'main.mjs')], {}, join(folder, project));
  }

  function lastView(process: TestProcess): { cluster: string; name: string; members: string[] } | undefined {
    const line = process.stdout.trimEnd().split('\n').at(-1);
    return line === undefined || line === '' ? undefined : JSON.parse(line);
  }
});
