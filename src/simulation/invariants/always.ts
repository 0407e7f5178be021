import type { SwimMessage } from '../../membership/swim/messages.js';
import type { SwimOptions } from '../../membership/swim/options.js';
import type { Latency } from '../network/latency.js';
import { Agreement } from './agreement.js';
import { calmLatencyMs } from './bounds.js';
import { Calm } from './calm.js';
import type { Check } from './check.js';
import { Contacts } from './contacts.js';
import { ContraryEvidence } from './contrary-evidence.js';
import { Deadlines } from './deadlines.js';
import { Detection } from './detection.js';
import { DigestSyncs } from './digest-syncs.js';
import { FalsePositives } from './false-positives.js';
import { Grammar } from './grammar.js';
import { IndirectProbes } from './indirect-probes.js';
import { Lattice } from './lattice.js';
import { Leaves } from './leaves.js';
import { Limits } from './limits.js';
import { Load } from './load.js';
import { LocalHealthCauses } from './local-health.js';
import { MemberCount } from './member-count.js';
import { MergeLaws } from './merge-laws.js';
import { Overrides } from './overrides.js';
import { OwnRefutation } from './own-refutation.js';
import { ProbeOrder } from './probe-order.js';
import { Reaping } from './reaping.js';
import { Refutation } from './refutation.js';
import { RelayAnswers } from './relay-answers.js';
import { Retransmission } from './retransmission.js';
import { SlowMachines } from './slow-machines.js';
import { SuspicionBounds } from './suspicion-bounds.js';
import { SyncFirst } from './sync-first.js';
import { Verdicts } from './verdicts.js';

/** What every simulation checks, whatever protocol it runs: rules 2 to 7, 9 and 13 of `literature.md`. */
function alwaysChecked<M>(): readonly Check<M>[] {
  return [new Lattice<M>(), new Grammar<M>(), new MergeLaws<M>()];
}

/**
 * What every simulation of SWIM checks beside that: rules 1, 8, 10 to 12 and 14 to 19.
 *
 * @param latency the latency before any fault; undefined: the simulation's default
 */
export function swimChecks(options: SwimOptions, latency?: Latency): readonly Check<SwimMessage>[] {
  const calm = new Calm<SwimMessage>({ maxLatencyMs: calmLatencyMs(options), latency });
  const counts = new MemberCount<SwimMessage>();
  const contacts = new Contacts(options);
  const slow = new SlowMachines<SwimMessage>();
  const { components } = options;
  const { revival, firsthand, contraryEvidence } = components;
  return [
    calm,
    counts,
    contacts,
    slow,
    new Detection(options, calm),
    new IndirectProbes(options),
    new RelayAnswers(options, slow),
    new Leaves(options, calm),
    // Protocols of the papers have other rules about the lost; of refutations the other check sees more.
    revival && firsthand && contraryEvidence
      ? new Overrides(options, counts, contacts)
      : new Refutation(options),
    new OwnRefutation(options, slow),
    new Verdicts(options),
    new ContraryEvidence(options, counts),
    new SyncFirst(options, counts),
    new SuspicionBounds(options, contacts),
    new Deadlines(options, counts, contacts, slow),
    new LocalHealthCauses(options, counts),
    new Agreement(options, calm),
    ...(components.digestSync ? [new DigestSyncs(options, slow)] : []),
    // Without infection everybody is told once, by everybody with news.
    ...(components.infection ? [new Retransmission(options)] : []),
    new Load(options, calm),
    new ProbeOrder(),
    new FalsePositives(options, latency),
    new Limits(options),
    new Reaping(options),
  ];
}

/** What is checked in a run: what must always hold, unless switched off, then what the caller adds. */
export function checksOf<M>(given: {
  readonly invariants?: boolean | undefined;
  readonly checks?: readonly Check<M>[] | undefined;
}): readonly Check<M>[] {
  const { invariants = true, checks = [] } = given;
  return invariants ? [...alwaysChecked<M>(), ...checks] : checks;
}
