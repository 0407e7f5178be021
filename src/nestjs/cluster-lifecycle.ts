import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { formatAddress } from '../address.js';
import { NotReadyError, clip } from '../errors.js';
import { registrationName } from './registrations.js';
import type { ClusterModuleOptions } from './cluster-module-options.js';
import { splitOptions, type SplitOptions } from './split-options.js';
import { MembershipService } from './membership.service.js';
import { ShutdownHooksReminder } from './shutdown-hooks-reminder.js';
import type { NodeFace } from './node-face.js';

type WaitFor = NonNullable<SplitOptions['waitFor']>;

/** How many members an error names; with hundreds there, names say nothing. */
const MAX_NAMED = 8;

/** Joins when the application has booted, and drains as soon as it goes down. */
export class ClusterLifecycle implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #membership: MembershipService;
  readonly #node: NodeFace | undefined;
  readonly #options: ClusterModuleOptions;
  readonly #reminder: ShutdownHooksReminder;

  constructor(as: string | undefined, membership: MembershipService, options: ClusterModuleOptions) {
    // Without a node when a test has put something else in the service's place: then nothing is to be run.
    this.#membership = membership;
    this.#node = MembershipService.nodeOf(membership);
    this.#options = options;
    this.#reminder = new ShutdownHooksReminder(new Logger(registrationName(as)));
  }

  /** @throws NotReadyError when `waitFor` was not met in time; the node has left by then */
  async onApplicationBootstrap(): Promise<void> {
    const node = this.#node;
    if (node === undefined || this.#options.autoJoin === false) return;
    const { waitFor } = splitOptions(this.#options);
    await this.#membership.join();
    if (waitFor !== undefined) await waitOrLeave(node, waitFor);
    if (this.#options.enabled !== false) this.#reminder.start();
  }

  /** For tests in virtual time, whose processes no signal ends. */
  forgetReminder(): void {
    this.#reminder.stop();
  }

  async onModuleDestroy(): Promise<void> {
    this.forgetReminder();
    await this.#node?.drain();
  }
}

/** Nest runs no destroy hooks when a start fails, and a node that has joined would keep the process alive. */
async function waitOrLeave(node: NodeFace, waitFor: WaitFor): Promise<void> {
  try {
    await node.whenReady(waitFor);
  } catch (error) {
    // Before the node leaves: then it sees nobody.
    const failure = error instanceof NotReadyError ? stopped(node, waitFor) : error;
    await node.close();
    throw failure;
  }
}

/**
 * The node's own error says that it goes on joining, which it does not: the start ends here. Nor is it kept as the
 * cause: Node would print both, and they contradict each other.
 */
function stopped(node: NodeFace, { members, timeoutMs }: WaitFor): NotReadyError {
  const there = node.activeMembers;
  const named = there
    .slice(0, MAX_NAMED)
    .map((member) => `${clip(member.name)} at ${formatAddress(member.address)}`);
  if (there.length > MAX_NAMED) named.push('…');
  const joining = node.status === 'joining' ? '; this node has not found out yet whether it is alone' : '';
  return new NotReadyError(
    `The start is stopped: waitFor wants ${count(members)}, and after ${timeoutMs} ms (waitFor.timeoutMs) there ${there.length === 1 ? 'is 1' : `are ${there.length}`} (${named.join(', ')})${joining}. Start the others, wait longer, or leave waitFor out to start without them`,
  );
}

function count(members: number): string {
  return members === 1 ? '1 member' : `${members} members`;
}
