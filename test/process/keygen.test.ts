import { afterEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, TestProcess } from './processes.js';

const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  bin: Readonly<Record<string, string>>;
};

describe('the command "clusterpack" of the built package', () => {
  const processes: TestProcess[] = [];
  afterEach(() => Promise.all(processes.splice(0).map((process) => process.close())));

  async function run(...args: string[]): Promise<TestProcess & { code: number | null }> {
    const process = TestProcess.node([join(ROOT, bin['clusterpack']!), ...args]);
    processes.push(process);
    const { code } = await process.ended();
    return Object.assign(process, { code });
  }

  it('is a program that a shell can start', () => {
    expect(readFileSync(join(ROOT, bin['clusterpack']!), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('keygen prints one secret on stdout, and nothing else', async () => {
    const { code, stdout, stderr } = await run('keygen');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^[\w-]{43}\n$/);
  });

  it('says so when the secret could not be written', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, bin['clusterpack']!), 'keygen'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^clusterpack: nothing was written: ENOSPC.*\n$/);
  });

  it('ends with 2 and its usage on stderr when it does not understand', async () => {
    const { code, stdout, stderr } = await run('keygem');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^clusterpack: there is no command "keygem"\n\nUsage: /);
  });
});
