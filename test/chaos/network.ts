import { run } from './sandbox.js';

const BRIDGE = 'chaos0';

/**
 * Hosts on one wire: each is a network namespace with an address of its own on a bridge. Faults are rules of the
 * receiving host's firewall, as on real machines. Only inside the sandbox.
 */
export class Network {
  readonly #hosts = new Map<string, string>();

  constructor() {
    run('mkdir', '-p', '/run/netns');
    run('ip', 'link', 'add', BRIDGE, 'type', 'bridge');
    run('ip', 'link', 'set', BRIDGE, 'up');
  }

  /** A host that is known already stays as it is. @returns its address */
  add(host: string): string {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const number = this.#hosts.size + 1;
    const address = `10.77.${number >> 8}.${number & 255}`;
    run('ip', 'netns', 'add', host);
    run('ip', 'link', 'add', `w${number}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host);
    run('ip', 'link', 'set', `w${number}`, 'master', BRIDGE, 'up');
    run('ip', '-n', host, 'addr', 'add', `${address}/16`, 'dev', 'eth0');
    run('ip', '-n', host, 'link', 'set', 'eth0', 'up');
    run('ip', '-n', host, 'link', 'set', 'lo', 'up');
    this.#hosts.set(host, address);
    return address;
  }

  address(host: string): string {
    const address = this.#hosts.get(host);
    if (address === undefined) throw new Error(`No host ${host}`);
    return address;
  }

  /** The command that runs a program on a host. */
  command(host: string): readonly string[] {
    return ['ip', 'netns', 'exec', host];
  }

  /** Nothing from one host arrives at another any more; the way back stays. */
  drop(from: string, to: string): void {
    this.#rule(to, '-s', this.address(from), '-j', 'DROP');
  }

  /** Nothing goes between two groups. */
  part(some: readonly string[], others: readonly string[]): void {
    for (const host of some) {
      for (const other of others) {
        this.drop(host, other);
        this.drop(other, host);
      }
    }
  }

  /** Nothing enters or leaves: the power is off. No reset ever comes from there. */
  isolate(host: string): void {
    this.#rule(host, '-i', 'eth0', '-j', 'DROP');
    this.mute(host);
  }

  /** Nothing leaves, everything enters. */
  mute(host: string): void {
    run(...iptables(host), '-A', 'OUTPUT', '-o', 'eth0', '-j', 'DROP');
  }

  /**
   * A firewall answers new connections to a host with a reset in its name, though it lives; connections that stand go on.
   *
   * @param from whose connections; undefined: everybody's
   */
  refuse(host: string, from?: string): void {
    const source = from === undefined ? [] : ['-s', this.address(from)];
    this.#rule(host, ...source, '-p', 'tcp', '--syn', '-j', 'REJECT', '--reject-with', 'tcp-reset');
  }

  /** What a host sends goes through a narrow pipe. */
  slow(host: string, kilobitsPerSecond: number): void {
    const rate = `${kilobitsPerSecond}kbit`;
    const pipe = ['tbf', 'rate', rate, 'burst', '8kb', 'latency', '400ms'];
    run('tc', '-n', host, 'qdisc', 'replace', 'dev', 'eth0', 'root', ...pipe);
  }

  /** All rules and pipes of a host are gone. */
  heal(host: string): void {
    run(...iptables(host), '-F');
    const { length } = run('tc', '-n', host, 'qdisc', 'show', 'dev', 'eth0').match(/\btbf\b/g) ?? [];
    if (length > 0) run('tc', '-n', host, 'qdisc', 'del', 'dev', 'eth0', 'root');
  }

  healAll(): void {
    for (const host of this.#hosts.keys()) this.heal(host);
  }

  #rule(host: string, ...rule: readonly string[]): void {
    run(...iptables(host), '-A', 'INPUT', ...rule);
  }
}

function iptables(host: string): [string, ...string[]] {
  return ['ip', 'netns', 'exec', host, 'iptables', '--wait', '5'];
}
