import type { NodeStatus } from '../../cluster/node-status.js';
import { clip } from '../../errors.js';
import type { MemberHealth } from '../../membership/membership.js';
import type { MembershipService } from '../membership.service.js';
import type { Thresholds } from './cluster-health-options.js';

/** What a result has besides Terminus's own `status`. @publicApi */
export interface ClusterHealthDetails {
  /** Where the node is in its life. */
  readonly node: NodeStatus;
  /** Active members, this one included. */
  readonly members: number;
  /** How many there must be for it to be up. */
  readonly minMembers: number;
  /** Members among them that do not answer at the moment. */
  readonly suspects: number;
  /** What the application said last with `setHealth`; `draining` while it shuts down. */
  readonly health: MemberHealth;
  /** How much the node doubts its own eyes: 0 is healthy, 8 is most. */
  readonly localHealth: number;
  /** Milliseconds that the event loop stood still of the last ten seconds. */
  readonly lagMs: number;
  /** Why it is not simply `up`. */
  readonly message?: string | undefined;
  /** With Terminus 11, which has no such status: `up`, and yet not well. */
  readonly degraded?: true | undefined;
}

/** What a health check says. */
export interface Judgement {
  readonly verdict: 'up' | 'degraded' | 'down';
  readonly details: ClusterHealthDetails;
}

/** The rules of `ClusterHealthIndicator`. */
export function judge(
  { status, activeMembers, local, stats }: MembershipService,
  { minMembers, maxSuspects, maxLocalHealth, maxLagMs }: Thresholds,
): Judgement {
  const members = activeMembers.length;
  const suspects = activeMembers.filter(({ state }) => state === 'suspect').length;
  const { health, healthReason } = local;
  const { localHealth } = stats;
  const lagMs = Math.round(stats.lagMs);

  const down: string[] = [];
  if (status !== 'ready') down.push(`the node is ${status}`);
  if (health === 'draining' && status !== 'draining')
    down.push(healthReason === undefined ? 'it drains' : `it drains: ${clip(healthReason)}`);
  if (members < minMembers) down.push(`${members} of ${minMembers} members are there`);

  const doubtful: string[] = [];
  if (suspects > maxSuspects) doubtful.push(`${suspects} of ${members} members are suspect`);
  if (localHealth > maxLocalHealth) doubtful.push(`local health is ${localHealth}`);
  if (lagMs > maxLagMs) doubtful.push(`the event loop stood still for ${lagMs} ms of the last ten seconds`);

  const why = [...down, ...doubtful];
  const verdict = down.length > 0 ? 'down' : doubtful.length > 0 ? 'degraded' : 'up';
  const figures = { node: status, members, minMembers, suspects, health, localHealth, lagMs };
  return { verdict, details: why.length === 0 ? figures : { ...figures, message: why.join('; ') } };
}
