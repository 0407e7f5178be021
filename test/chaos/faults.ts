import type { Random } from 'clusterpack/testing';
import { setTimeout as pause } from 'node:timers/promises';
import { TestProcess } from '../process/processes.js';
import { monotonicMs } from './facts.js';
import type { Fleet } from './fleet.js';
import type { Disturbance, Judge } from './judge.js';
import { run } from './sandbox.js';

/** What a fault is made of. */
export interface Scene {
  readonly fleet: Fleet;
  readonly judge: Judge;
  readonly random: Random;
  /** Hosts that nothing else disturbs; the fault may use as many as it says in `hosts`. */
  readonly hosts: readonly string[];
}

/** One kind of fault: what it does, from its begin to its end. */
export interface FaultKind {
  /** How many hosts it takes; `all`: it is alone. */
  readonly hosts: number | 'all';
  run(scene: Scene): Promise<void>;
}

/** From the crash of a machine's power supply to the moment at which it is taken for gone. */
const POWER_OFF_MS = 4000;
const FLAP_MS = 300;

/** By name. Those without a disturbance may never make anybody unreachable. */
export const faultKinds: Readonly<Record<string, FaultKind>> = {
  /** SIGKILL; it starts again at the same address. */
  kill: {
    hosts: 1,
    async run({ fleet, hosts: [host], random }) {
      fleet.on(host!).kill();
      await pause(random.between(0, 5000));
      await fleet.start(host!);
    },
  },

  /** Nothing enters or leaves, no reset ever comes; then it boots again. */
  'power-off': {
    hosts: 1,
    async run({ fleet, hosts: [host] }) {
      fleet.network.isolate(host!);
      fleet.on(host!).kill();
      await pause(POWER_OFF_MS);
      fleet.network.heal(host!);
      await fleet.start(host!);
    },
  },

  /** SIGSTOP and SIGCONT. */
  stop: {
    hosts: 1,
    run: ({ fleet, judge, hosts: [host], random }) =>
      disturbing(judge, unwell('stop', host!), async () => {
        fleet.on(host!).process.kill('SIGSTOP');
        await pause(random.between(300, 8000));
        fleet.on(host!).process.kill('SIGCONT');
      }),
  },

  /** The event loop stands still for 2 s, at three nodes at once where there are so many. */
  block: {
    hosts: 3,
    run: ({ fleet, judge, hosts }) =>
      disturbing(judge, unwell('block', ...hosts), async () => {
        for (const host of hosts) fleet.on(host).process.send({ do: 'block', ms: 2000 });
        await pause(2000);
      }),
  },

  /** Goes in peace, and starts again. */
  restart: {
    hosts: 1,
    async run({ fleet, hosts: [host] }) {
      await fleet.on(host!).leave();
      await fleet.start(host!);
    },
  },

  /** Two groups that do not hear each other. */
  partition: {
    hosts: 'all',
    async run({ fleet, judge, hosts, random }) {
      const some = hosts.filter(() => random.chance(0.5));
      const others = hosts.filter((host) => !some.includes(host));
      await disturbing(judge, parted(some), async () => {
        fleet.network.part(some, others);
        await pause(random.between(2000, 15_000));
        fleet.network.healAll();
      });
    },
  },

  /** Packets of one host do not arrive at another one; everybody else hears both. */
  'one-way': {
    hosts: 2,
    async run({ fleet, hosts: [from, to], random }) {
      fleet.network.drop(from!, to!);
      await pause(random.between(1000, 10_000));
      fleet.network.heal(to!);
    },
  },

  /** A cable with a loose contact. */
  flap: {
    hosts: 1,
    run: ({ fleet, judge, hosts: [host], random }) =>
      disturbing(judge, unwell('flap', host!), async () => {
        for (let times = 3 + random.int(10); times > 0; times--) {
          fleet.network.isolate(host!);
          await pause(FLAP_MS);
          fleet.network.heal(host!);
          await pause(FLAP_MS);
        }
      }),
  },

  /** A firewall that lies about death to everybody who dials; connections that stand go on. */
  refuse: {
    hosts: 1,
    async run({ fleet, hosts: [host], random }) {
      fleet.network.refuse(host!);
      await pause(random.between(1000, 10_000));
      fleet.network.heal(host!);
    },
  },

  /** The same, to one peer. */
  'refuse-one': {
    hosts: 2,
    async run({ fleet, hosts: [host, peer], random }) {
      fleet.network.refuse(host!, peer);
      await pause(random.between(1000, 10_000));
      fleet.network.heal(host!);
    },
  },

  /** A narrow line. */
  slow: {
    hosts: 1,
    async run({ fleet, hosts: [host], random }) {
      fleet.network.slow(host!, 400 + random.int(3600));
      await pause(random.between(2000, 10_000));
      fleet.network.heal(host!);
    },
  },

  /** Something else wants the processor. */
  starve: {
    hosts: 1,
    async run({ random }) {
      const busy = TestProcess.node(['--eval', 'for (;;);']);
      await pause(random.between(1000, 5000));
      await busy.close();
    },
  },

  /** No file descriptor is free for a while: nothing can be dialled or accepted. */
  'no-descriptors': {
    hosts: 1,
    async run({ fleet, hosts: [host], random }) {
      const { process } = fleet.on(host!);
      limitDescriptors(process.pid, 16);
      await pause(random.between(1000, 6000));
      if (process.isRunning) limitDescriptors(process.pid, 4096);
    },
  },

  /** One after the other. */
  'rolling-restart': {
    hosts: 'all',
    async run({ fleet, hosts }) {
      for (const host of hosts) {
        await fleet.on(host).leave();
        await fleet.start(host);
      }
    },
  },

  /** All die at once, and all are started at once. */
  'kill-all': {
    hosts: 'all',
    async run({ fleet }) {
      for (const life of fleet.alive) life.kill();
      await Promise.all(fleet.lives.map((life) => life.process.ended()));
      await fleet.startAll();
    },
  },
};

function limitDescriptors(pid: number, soft: number): void {
  run('prlimit', '--pid', String(pid), `--nofile=${soft}:`);
}

/** Whoever cannot answer in time, or cannot be heard, is rightly given up, and may give up others when it is cut off. */
function unwell(what: string, ...hosts: readonly string[]): Omit<Disturbance, 'untilMs' | 'fromMs'> {
  const isOne = (host: string): boolean => hosts.includes(host);
  const cutOff = what === 'flap';
  return { what, excuses: (observer, subject) => isOne(subject) || (cutOff && isOne(observer)) };
}

function parted(some: readonly string[]): Omit<Disturbance, 'untilMs' | 'fromMs'> {
  const isOne = (host: string): boolean => some.includes(host);
  return { what: 'partition', excuses: (observer, subject) => isOne(observer) !== isOne(subject) };
}

async function disturbing(
  judge: Judge,
  disturbance: Omit<Disturbance, 'untilMs' | 'fromMs'>,
  during: () => Promise<void>,
): Promise<void> {
  const begun = judge.disturbed({ ...disturbance, fromMs: monotonicMs(), untilMs: undefined });
  try {
    await during();
  } finally {
    begun.untilMs = monotonicMs();
  }
}
