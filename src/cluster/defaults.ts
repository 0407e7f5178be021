import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { dirname, join, parse, sep } from 'node:path';

/**
 * The cluster of processes that run the same project as the same user: `name@uid`, from the package.json nearest
 * to the program, so that two projects on one machine stay two clusters.
 */
export function defaultClusterName(): string {
  const project = nearestPackageName(programFolder()) ?? 'app';
  return Buffer.from(`${project}@${userId()}`)
    .subarray(0, 255)
    .toString()
    .replace(/\uFFFD$/, '');
}

/** `hostname-pid`. */
export function defaultNodeName(): string {
  return `${hostname()}-${process.pid}`.slice(0, 255);
}

/** Whether a test runner's worker runs us: such workers must not meet. */
export function isTestRun(environment: NodeJS.ProcessEnv = process.env): boolean {
  return (
    environment['JEST_WORKER_ID'] !== undefined ||
    environment['VITEST_WORKER_ID'] !== undefined ||
    environment['NODE_ENV'] === 'test'
  );
}

/** The folder of the program; the working directory when a tool from node_modules runs it. */
function programFolder(): string {
  const script = process.argv[1];
  if (script === undefined || script.includes(`${sep}node_modules${sep}`)) return process.cwd();
  return dirname(script);
}

function nearestPackageName(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const name = packageName(join(at, 'package.json'));
    if (name !== undefined) return name;
    if (at === parse(at).root) return undefined;
  }
}

/** Undefined when there is no such file, or it names nothing: then the next folder up is asked. */
function packageName(path: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}

/** The numeric user id; the user's name where the system has no such ids. */
function userId(): string {
  const uid = process.getuid?.();
  return uid === undefined ? userInfo().username : String(uid);
}
