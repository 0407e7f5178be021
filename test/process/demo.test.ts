import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, TestProcess, until } from './processes.js';

let demo: TestProcess | undefined;
// Not SIGKILL: the demo could not end its processes then.
afterEach(async () => {
  demo?.kill('SIGINT');
  await demo?.ended();
});

describe('the demo', () => {
  it.each([
    ['when its processes are starting', /They find each other/],
    ['when the first of them is up', /is up/],
    ['when one of them was killed', /SIGKILL to process/],
  ])('leaves nothing running at Ctrl-C %s', async (_when, line) => {
    demo = TestProcess.node([join(ROOT, 'scripts/demo.mjs')]);
    const { stdout } = await until('the line is there', () => line.test(demo!.stdout) && demo, {
      report: () => demo!.output(),
    });
    const clusterName = /the cluster "([^"]+)"/.exec(stdout)![1]!;
    demo.kill('SIGINT');
    expect(await demo.ended()).toEqual({ code: 130, signal: null });
    expect(demo.stdout).toContain('SIGINT');
    // Colours are for terminals.
    expect(demo.stdout).not.toContain('\u001b');
    await until('its processes are gone', () => processesOf(clusterName).length === 0, {
      report: () => processesOf(clusterName).join(', '),
    });
  });
});

/** Pids of the processes that were started for a cluster; none where the system does not show environments. */
function processesOf(clusterName: string): string[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc').filter(
    (entry) => /^\d+$/.test(entry) && environmentOf(entry).includes(clusterName),
  );
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return ''; // It ended meanwhile, or belongs to somebody else.
  }
}
