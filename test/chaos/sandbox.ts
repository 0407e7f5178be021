import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/** Set in the process that lives in the sandbox. */
const MARK = 'CLUSTERPACK_CHAOS_SANDBOX';

const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc'];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Commands that a campaign needs, and the Debian packages that bring them. */
const NEEDED: readonly (readonly [command: readonly string[], debianPackage: string])[] = [
  [['unshare', '--version'], 'util-linux'],
  [['setpriv', '--version'], 'util-linux'],
  [['ip', '-Version'], 'iproute2'],
  [['tc', '-Version'], 'iproute2'],
  [['iptables', '--version'], 'iptables'],
];

/**
 * Makes sure that this process lives in network, mount and process namespaces of its own. Whatever it makes there, links,
 * rules, processes, ends with it: the kernel cleans up, however it ends.
 *
 * Outside, the program runs once more inside, and this never resolves. Exits with 3 and a reason where that cannot be.
 */
export async function enterSandbox(): Promise<void> {
  if (process.env[MARK] !== undefined) {
    run('mount', '-t', 'tmpfs', 'tmpfs', '/run');
    run('ip', 'link', 'set', 'lo', 'up');
    return;
  }
  const obstacle = whyNot();
  if (obstacle !== undefined) {
    process.stderr.write(`chaos: ${obstacle}\n`);
    process.exit(3);
  }
  const inner = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  // `setpriv` has it killed with this process, even if that is killed itself.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...NAMESPACES, ...inner], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1' },
  });
  // `unshare` ignores everything else, and so does the first process of a namespace.
  for (const signal of SIGNALS) process.on(signal, () => child.kill('SIGKILL'));
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  process.exit(code ?? 128 + constants.signals[signal!]);
}

/** Runs a command of the sandbox; it fails loudly. */
export function run(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux: its namespaces are the network';
  if (process.getuid?.() !== 0) return 'needs root, to make network namespaces';
  const missing = NEEDED.filter(([[command, ...args]]) => spawnSync(command!, args).error !== undefined);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
    return `${missing.map(([[command]]) => command).join(', ')} missing; on Debian: apt-get install ${packages}`;
  }
  const trial = spawnSync('unshare', [...NAMESPACES, 'true'], { encoding: 'utf8' });
  if (trial.status !== 0) return `namespaces cannot be made here: ${trial.stderr.trim()}`;
  return undefined;
}
