import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What brings a network namespace's loopback up: one of them is there. */
const COMMANDS: readonly (readonly [string, ...string[]])[] = [
  ['ip', 'link', 'set', 'lo', 'up'],
  ['ifconfig', 'lo', 'up'],
];

/** @throws Error when nothing on this machine can */
export function raiseLoopback(): void {
  for (const [command, ...args] of COMMANDS) if (spawnSync(command, args).status === 0) return;
  throw new Error('The loopback of a network namespace cannot be brought up: ip and ifconfig are missing');
}

/** Bytes of all packets so far that loopback has delivered, headers and bare acknowledgements included. */
export function loopbackBytes(): number {
  const line = readFileSync('/proc/net/dev', 'utf8')
    .split('\n')
    .find((text) => text.trimStart().startsWith('lo:'));
  const bytes = Number(line?.trim().split(/[\s:]+/)[1]);
  if (!Number.isFinite(bytes)) throw new Error('/proc/net/dev has no count of the loopback');
  return bytes;
}
