/**
 * Parameters of SWIM and Lifeguard. Every one is an option; nothing here validates (the door in `cluster/` does).
 *
 * Symbols of the papers are in brackets. "memberlist" is the reference implementation, hashicorp/memberlist.
 */

/** The named sets of defaults. @publicApi */
export type SwimPreset = 'lan' | 'wan' | 'local';

/** Parts of the protocol that can be switched off, for experiments. All are on by default. @publicApi */
export interface SwimComponents {
  /** Local health stretches the probe interval and the probe timeout. Lifeguard §IV-A (LHA-Probe). */
  readonly lhaProbe: boolean;
  /** Suspicions start at Max and fall with confirmations; off: they last Min. Lifeguard §IV-B (LHA-Suspicion). */
  readonly lhaSuspicion: boolean;
  /** A ping to a suspected member carries its suspicion, first. Lifeguard §IV-C. */
  readonly buddy: boolean;
  /**
   * Refused connections shorten a suspicion, under a quorum; ends of connections start probes out of turn; hard news
   * is forwarded at once; relays are chosen by what speaks for them. ClusterPack; decisions 3.
   */
  readonly hardEvidence: boolean;
  /**
   * A ping on a new connection goes out beside the indirect ones; connections that have failed are reset; whoever only
   * relays reach is asked to dial back. ClusterPack; decisions 5.
   */
  readonly freshConnection: boolean;
  /** Late timers void probes, and a poll pass precedes each verdict. ClusterPack; decisions 8. */
  readonly eventLoopAwareness: boolean;
  /**
   * What a member has answered speaks for it: others' verdict against an answer, or an open connection, becomes a
   * suspicion, and a suspicion that expires after an answer runs on. ClusterPack; decisions 2, ADR 9.
   */
  readonly contraryEvidence: boolean;
  /**
   * A refutation goes to accuser, messenger and a few others at once, old accusations are answered, and a suspect hears of
   * its suspicion with acks and gossip too; off: it goes with the next gossip only, as in memberlist. ClusterPack;
   * decisions 3.
   */
  readonly fastRefutation: boolean;
  /** Unequal digests on pings and acks start a sync; off: only joins and `syncIntervalMs` do. ClusterPack; decisions 9. */
  readonly digestSync: boolean;
  /**
   * Everybody passes updates on, on pings, acks and in gossip; off: whoever has news tells every other member once, and
   * nobody passes anything on. SWIM §3.2 (off) and §4.1 (on).
   */
  readonly infection: boolean;
  /**
   * An unreachable member comes back with a higher incarnation; off: a verdict is final until its tombstone is
   * forgotten, as SWIM's Confirm. SWIM §4.2 (off), memberlist (on).
   */
  readonly revival: boolean;
  /**
   * Only members' word counts, and only its own brings an unreachable one back; off: that of the unreachable counts as
   * well, and any higher incarnation brings one back, as in memberlist. ClusterPack; ADR 10.
   */
  readonly firsthand: boolean;
}

/** All parameters, resolved. @publicApi */
export interface SwimOptions {
  /**
   * Time between two probes (T′), ms. Lan 1000, wan 5000, local 1000. Multiplied by (local health + 1). Smaller finds
   * failures sooner and costs proportionally more messages. SWIM §3.1: at least three round trips.
   */
  readonly probeIntervalMs: number;
  /**
   * How long a direct ping may go unanswered before relays are asked, ms. Lan 500, wan 3000, local 200. Multiplied by
   * (local health + 1). About the 99th percentile of a round trip; the rest of the interval belongs to the relays.
   */
  readonly probeTimeoutMs: number;
  /**
   * Relays asked for an indirect probe (k). Lan 3, wan 3, local 1; all others where there are fewer. More relays mean
   * fewer false suspicions under loss (SWIM §3.1) and more messages per failed probe.
   */
  readonly indirectProbes: number;
  /**
   * Shortest suspicion (α): Min = α · max(1, log10 n) · probe interval. Lan 4, wan 6, local 3. Larger gives a slow
   * member more time to refute and finds a silent death later. Lifeguard §IV-B.
   */
  readonly suspicionAlpha: number;
  /** Longest suspicion (β): Max = β · Min. 6 in all presets. Lifeguard §IV-B. */
  readonly suspicionBeta: number;
  /** Independent confirmations (K) at which a suspicion has fallen to Min. 3. Lifeguard §IV-B. */
  readonly suspicionConfirmations: number;
  /** Cap K at n − 2, so that a small cluster can reach Min (decisions 10). True; false is the paper's fixed K. */
  readonly capConfirmations: boolean;
  /**
   * How often an update is sent (λ): λ · ⌈log10(n + 1)⌉ times by each node. Lan 4, wan 4, local 2. More spreads more
   * surely and costs bandwidth. SWIM §4.1; the factor and the base are memberlist's.
   */
  readonly retransmitMultiplier: number;
  /** Time between two gossip rounds, ms. Lan 200, wan 500, local 100. memberlist. */
  readonly gossipIntervalMs: number;
  /** Members that get each gossip round. Lan 3, wan 4, local 3; 0 leaves gossip to probes, as in the SWIM paper. */
  readonly gossipFanout: number;
  /**
   * Members above which gossip prefers open links: all but one of a round's targets are then members that this node has
   * a link to. 257, since up to there every link is kept (256 in the pool), and above it a dial and two evictions would
   * cost several times the news itself. The links are a random sample of the cluster, so news spreads as fast.
   */
  readonly gossipOverLinksAbove: number;
  /**
   * For so many probe intervals of a node's life its gossip prefers open links, too. 30: by then its probes have opened most
   * of them, one by one; nodes that start together would dial each other all at once. ADR 17.
   */
  readonly gossipOverLinksForIntervals: number;
  /**
   * How long gossip rounds go on to a member that is held unreachable, ms. 0: it is told when it speaks, and when it is
   * tried. memberlist has 30,000.
   */
  readonly gossipToLostMs: number;
  /**
   * Time between two syncs with a random member, ms. Lan 30,000, wan 60,000, local 15,000; jittered by ±10 %. Digests on
   * pings start one sooner where views differ, so this is only the backstop: it is left out where all digests of the
   * interval were equal. 0 switches the periodic one off.
   */
  readonly syncIntervalMs: number;
  /** Shortest time between two syncs with any member that digests ask for, ms. 1000; doubles, jittered, while they find no peace. */
  readonly syncSpacingMs: number;
  /** Where that doubling ends, ms. 30,000. */
  readonly maxSyncSpacingMs: number;
  /** A sync that hears nothing for this long is given up, ms. Default: 2 probe intervals, at least 2000. */
  readonly syncTimeoutMs: number;
  /** Largest local health (S). 8. Lifeguard §IV-A. */
  readonly maxLocalHealth: number;
  /** A relay says `silent` after this share of the probe timeout. 0.8. Lifeguard §IV-A. */
  readonly nackShare: number;

  /**
   * How long an unreachable or left member is remembered, ms. 3,600,000 (1 h). At least 2 · (2n probe intervals
   * until a silence is noticed + Max suspicion + sync + dissemination), or old news brings the dead back. After half of it alone, a node discards its view.
   */
  readonly tombstoneMs: number;
  /** Unreachable and left members remembered at most. 4096; the oldest go first. */
  readonly maxTombstones: number;
  /** Active members at most. 16,384; further joiners are refused and further updates dropped and counted. */
  readonly maxMembers: number;
  /**
   * Active members at most that this node knows by gossip only, before it has met them, and four more for each that it has
   * met. 4096; further ones are dropped and counted until then, or found by sync. Bounds what a member that invents
   * others can do; raise it where more nodes than that start at once.
   */
  readonly maxHearsay: number;
  /** Addresses of reaped members kept for healing. 128; a random one makes room. */
  readonly maxAddressBook: number;
  /** How long such an address is tried, ms. 86,400,000 (24 h). */
  readonly addressBookMs: number;
  /** Mean time between two attempts to reach a lost member or seed, ms. Default: 10 probe intervals; jittered ×0.5–1.5. */
  readonly healIntervalMs: number;
  /** Seeds remembered from `join`. 64; a random one makes room. */
  readonly maxSeeds: number;

  /** Updates that one ping, ack or gossip frame carries at most. 64; never above 256. */
  readonly maxPiggybackUpdates: number;
  /** Estimated bytes of those updates, at most. 1400, about one segment. A single larger update goes alone. */
  readonly maxPiggybackBytes: number;
  /** Updates that wait for dissemination, at most. 8192; the most-sent goes first. */
  readonly maxQueuedUpdates: number;
  /** Estimated bytes of a page of a sync. 16,384. */
  readonly maxPageBytes: number;
  /** Relayed probes under way for others, at most. 256. */
  readonly maxRelays: number;

  /** Relays asked to witness a refusal (decisions 3). 3; all others where there are fewer. */
  readonly quorumRelays: number;
  /** Refusals among them that make a quorum, capped at the relays asked. 2. */
  readonly quorumRefusals: number;
  /** Peers that get a hard suspicion, verdict or refutation at its first receipt. 3. */
  readonly forwardPeers: number;
  /** Updates so forwarded per probe interval, at most. 64. */
  readonly maxForwardsPerInterval: number;
  /** How long hard evidence about an address is ignored after two ids answered there, ms. 600,000 (10 min). */
  readonly conflictMs: number;
  /** An update that raises a known incarnation by more is dropped (decisions 2). 1000. */
  readonly maxIncarnationJump: number;

  /** Dial-backs for joiners at once; others are told to wait. 16. */
  readonly maxJoinsAtOnce: number;
  /** Dial-backs that may stay silent before the joiner is refused; and joins before a silent seed is given up. 3. */
  readonly joinAttempts: number;
  /** How long one of them may take, ms. Default: 2 probe timeouts, at least 1000. */
  readonly joinTimeoutMs: number;
  /** Seeds tried at once, at most; each but the first only when none has answered for a quarter of a join timeout. 3. */
  readonly seedsAtOnce: number;
  /** Links that a node dials of its own accord in its first second. 8. */
  readonly maxDialsInFirstSecond: number;
  /** Peers that have to acknowledge a leave, capped at n − 1. 3. */
  readonly leaveAcknowledgements: number;
  /** The longest that a leaver waits for them, ms. 2000. */
  readonly leaveTimeoutMs: number;

  /** Parts of the protocol that can be switched off, for experiments. */
  readonly components: SwimComponents;
}

/** What a caller may override. @publicApi */
export type SwimOverrides = {
  readonly [Key in Exclude<keyof SwimOptions, 'components'>]?: SwimOptions[Key] | undefined;
} & { readonly components?: { readonly [Key in keyof SwimComponents]?: boolean | undefined } | undefined };

type PresetOptions = Pick<
  SwimOptions,
  | 'probeIntervalMs'
  | 'probeTimeoutMs'
  | 'indirectProbes'
  | 'suspicionAlpha'
  | 'suspicionBeta'
  | 'retransmitMultiplier'
  | 'gossipIntervalMs'
  | 'gossipFanout'
  | 'syncIntervalMs'
>;

/** What the presets set; all else is the same in each. */
export const swimPresets: Readonly<Record<SwimPreset, PresetOptions>> = {
  lan: {
    probeIntervalMs: 1000,
    probeTimeoutMs: 500,
    indirectProbes: 3,
    suspicionAlpha: 4,
    suspicionBeta: 6,
    retransmitMultiplier: 4,
    gossipIntervalMs: 200,
    gossipFanout: 3,
    syncIntervalMs: 30_000,
  },
  wan: {
    probeIntervalMs: 5000,
    probeTimeoutMs: 3000,
    indirectProbes: 3,
    suspicionAlpha: 6,
    suspicionBeta: 6,
    retransmitMultiplier: 4,
    gossipIntervalMs: 500,
    gossipFanout: 4,
    syncIntervalMs: 60_000,
  },
  local: {
    probeIntervalMs: 1000,
    probeTimeoutMs: 200,
    indirectProbes: 1,
    suspicionAlpha: 3,
    suspicionBeta: 6,
    retransmitMultiplier: 2,
    gossipIntervalMs: 100,
    gossipFanout: 3,
    syncIntervalMs: 15_000,
  },
};

const components: SwimComponents = {
  lhaProbe: true,
  lhaSuspicion: true,
  buddy: true,
  hardEvidence: true,
  freshConnection: true,
  eventLoopAwareness: true,
  contraryEvidence: true,
  fastRefutation: true,
  digestSync: true,
  infection: true,
  revival: true,
  firsthand: true,
};

const common = {
  gossipToLostMs: 0,
  suspicionConfirmations: 3,
  capConfirmations: true,
  gossipOverLinksAbove: 257,
  gossipOverLinksForIntervals: 30,
  syncSpacingMs: 1000,
  maxSyncSpacingMs: 30_000,
  maxLocalHealth: 8,
  nackShare: 0.8,
  tombstoneMs: 3_600_000,
  maxTombstones: 4096,
  maxMembers: 16_384,
  maxHearsay: 4096,
  maxAddressBook: 128,
  addressBookMs: 86_400_000,
  maxSeeds: 64,
  maxPiggybackUpdates: 64,
  maxPiggybackBytes: 1400,
  maxQueuedUpdates: 8192,
  maxPageBytes: 16_384,
  maxRelays: 256,
  quorumRelays: 3,
  quorumRefusals: 2,
  forwardPeers: 3,
  maxForwardsPerInterval: 64,
  conflictMs: 600_000,
  maxIncarnationJump: 1000,
  maxJoinsAtOnce: 16,
  joinAttempts: 3,
  seedsAtOnce: 3,
  maxDialsInFirstSecond: 8,
  leaveAcknowledgements: 3,
  leaveTimeoutMs: 2000,
} satisfies Partial<SwimOptions>;

/** Fills in what is not overridden: the preset, then what follows from other options by a formula. */
export function resolveSwimOptions(preset: SwimPreset = 'lan', overrides: SwimOverrides = {}): SwimOptions {
  const { components: switches, ...given } = overrides;
  const base = { ...common, ...swimPresets[preset], ...defined(given) };
  return {
    syncTimeoutMs: Math.max(2000, 2 * base.probeIntervalMs),
    healIntervalMs: 10 * base.probeIntervalMs,
    joinTimeoutMs: Math.max(1000, 2 * base.probeTimeoutMs),
    ...base,
    components: { ...components, ...defined(switches ?? {}) },
  };
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the keys whose value is undefined, which would overwrite a default. */
function defined<T extends object>(given: T): Defined<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>;
}
