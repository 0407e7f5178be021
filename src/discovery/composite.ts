import { formatAddress, type Address } from '../address.js';
import { DiscoveryError, InvalidOptionError } from '../errors.js';
import type { Discovery } from './discovery.js';

/** What {@link anyOf} makes. @publicApi */
export interface CompositeDiscovery extends Discovery {
  /**
   * What failed when it was last asked, while others gave addresses: such a failure is no error of the whole.
   * Empty when all answered.
   */
  readonly failures: readonly DiscoveryError[];
}

/**
 * Asks several discoveries at once and merges what they find, in their order, each address once. One that fails
 * does not hide what the others found; nor does one that hangs: when the signal aborts, what is known by then is
 * the answer.
 *
 * The node listens on loopback only if all of them ask for it; the first port range that one of them has is used.
 *
 * @throws InvalidOptionError without any discovery
 * @publicApi
 */
export function anyOf(...discoveries: readonly Discovery[]): CompositeDiscovery {
  if (discoveries.length === 0) {
    throw new InvalidOptionError('discovery', 'is anyOf() of nothing: give it at least one discovery');
  }
  let failures: readonly DiscoveryError[] = [];
  return {
    name: `any of ${discoveries.map((discovery) => discovery.name).join(', ')}`,
    loopbackOnly: discoveries.every((discovery) => discovery.loopbackOnly === true),
    portRange: discoveries.find((discovery) => discovery.portRange !== undefined)?.portRange,
    get failures() {
      return failures;
    },
    async discoverNodes({ signal }) {
      const answers = await Promise.all(discoveries.map((discovery) => ask(discovery, signal)));
      failures = answers.filter((answer) => answer instanceof DiscoveryError);
      const addresses = merge(
        answers.filter((answer): answer is readonly Address[] => !(answer instanceof DiscoveryError)),
      );
      // Nothing found while somebody failed does not mean that there is nobody.
      if (addresses.length === 0 && failures.length > 0) throw failed(failures);
      return addresses;
    },
    async close() {
      const closed = await Promise.allSettled(discoveries.map(async (discovery) => discovery.close?.()));
      const reasons = closed.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      if (reasons.length > 0) {
        throw new DiscoveryError('A discovery could not be closed', { cause: causeOf(reasons) });
      }
    },
  };
}

/** One discovery's answer, or its failure; also when the signal aborts before it answers. */
async function ask(discovery: Discovery, signal: AbortSignal): Promise<readonly Address[] | DiscoveryError> {
  let giveUp: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason);
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
  aborted.catch(() => {}); // Nobody listens when the discovery throws before it gives a promise.
  try {
    return await Promise.race([aborted, discovery.discoverNodes({ signal })]);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new DiscoveryError(`${discovery.name}: ${why}`, { cause });
  } finally {
    signal.removeEventListener('abort', giveUp!);
  }
}

function merge(answers: readonly (readonly Address[])[]): readonly Address[] {
  const byText = new Map<string, Address>();
  for (const address of answers.flat()) {
    const text = formatAddress(address).toLowerCase();
    if (!byText.has(text)) byText.set(text, address);
  }
  return [...byText.values()];
}

function failed(failures: readonly DiscoveryError[]): DiscoveryError {
  const reasons = failures.map((failure) => failure.message).join('; ');
  return new DiscoveryError(`Found no address: ${reasons}`, { cause: causeOf(failures) });
}

function causeOf(reasons: readonly unknown[]): unknown {
  return reasons.length === 1 ? reasons[0] : new AggregateError(reasons);
}
