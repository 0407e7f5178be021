import { lookup as systemLookup } from 'node:dns';
import type { Clock } from '../../clock.js';
import { ClosedError, DiscoveryError } from '../../errors.js';

/** Gives a host's IP literals, best first. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** The system's resolver runs on Node's four shared threads: names must not take all of them (decisions 4). */
const MAX_CONCURRENT_LOOKUPS = 2;
/** A name is looked up again, beside its use, when what is known is older. */
const FRESH_MS = 30_000;
/** Names that are remembered; the one unused for longest goes first. */
const MAX_NAMES = 1024;
/** Names that wait for their lookup. Where lookups are slow, further dials fail, as if the name did not resolve. */
const MAX_WAITING = 1024;

interface KnownName {
  ips: readonly string[];
  /** The last IP that answered at this name. */
  good: string | undefined;
  lookedUpAtMs: number;
  running: Promise<void> | undefined;
}

/** Turns host names into IP literals without ever keeping a dial to a known name waiting. */
export class NameResolver {
  private readonly names = new Map<string, KnownName>();
  private readonly waiting: { go(): void; giveUp(error: Error): void }[] = [];
  private running = 0;
  private closed = false;

  constructor(
    private readonly clock: Clock,
    private readonly lookup: Lookup = lookupBySystem,
  ) {}

  /**
   * IPs to try, the last good one first.
   *
   * @throws the lookup's error when nothing is known yet and the name does not resolve
   */
  async resolve(host: string): Promise<readonly string[]> {
    const name = this.known(host.toLowerCase());
    if (this.clock.now() - name.lookedUpAtMs < FRESH_MS) return candidates(name);
    const refreshed = this.refresh(host, name);
    // Nobody waits beside an IP that is known to be good; when a lookup fails, what is known stays.
    const settled = refreshed.catch((error: unknown) => {
      if (name.ips.length === 0) throw error;
    });
    if (name.good === undefined) await settled;
    return candidates(name);
  }

  /** An IP of this name answered. */
  succeeded(host: string, ip: string): void {
    this.known(host.toLowerCase()).good = ip;
  }

  /** No IP of this name answered: the next dial asks again, and prefers another one. */
  failed(host: string, ip: string): void {
    const name = this.known(host.toLowerCase());
    name.lookedUpAtMs = Number.NEGATIVE_INFINITY;
    name.ips = [...name.ips.filter((other) => other !== ip), ip];
  }

  /** Looks up nothing more. The two lookups that may be under way nobody can stop: they end by the system's timeout. */
  close(): void {
    this.closed = true;
    for (const { giveUp } of this.waiting.splice(0)) giveUp(new ClosedError('The transport'));
  }

  private known(host: string): KnownName {
    const name = this.names.get(host) ?? {
      ips: [],
      good: undefined,
      lookedUpAtMs: Number.NEGATIVE_INFINITY,
      running: undefined,
    };
    this.names.delete(host);
    this.names.set(host, name);
    if (this.names.size > MAX_NAMES) this.names.delete(this.names.keys().next().value!);
    return name;
  }

  private refresh(host: string, name: KnownName): Promise<void> {
    name.running ??= this.limited(host)
      .then((ips) => {
        name.ips = ips;
        name.lookedUpAtMs = this.clock.now();
        if (name.good !== undefined && !ips.includes(name.good)) name.good = undefined;
      })
      .finally(() => (name.running = undefined));
    return name.running;
  }

  private async limited(host: string): Promise<readonly string[]> {
    if (this.closed) throw new ClosedError('The transport');
    if (this.waiting.length >= MAX_WAITING)
      throw new DiscoveryError(`${MAX_WAITING} names wait to be looked up already`);
    if (this.running >= MAX_CONCURRENT_LOOKUPS)
      await new Promise<void>((go, giveUp) => this.waiting.push({ go, giveUp }));
    this.running++;
    try {
      return await this.lookup(host);
    } finally {
      this.running--;
      this.waiting.shift()?.go();
    }
  }
}

function candidates(name: KnownName): readonly string[] {
  const { good, ips } = name;
  return good === undefined ? ips : [good, ...ips.filter((ip) => ip !== good)];
}

function lookupBySystem(host: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    systemLookup(host, { all: true, verbatim: true }, (error, found) => {
      if (error) reject(error);
      else resolve(found.map((entry) => entry.address));
    });
  });
}
