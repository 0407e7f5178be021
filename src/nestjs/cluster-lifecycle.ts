import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { registrationName } from './registrations.js';
import { splitOptions, type ClusterModuleOptions } from './cluster-module-options.js';
import { MembershipService } from './membership.service.js';
import { ShutdownHooksReminder } from './shutdown-hooks-reminder.js';
import type { NodeFace } from './node-face.js';

/** Joins when the application has booted, and drains as soon as it goes down. */
export class ClusterLifecycle implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #node: NodeFace | undefined;
  readonly #options: ClusterModuleOptions;
  readonly #reminder: ShutdownHooksReminder;

  constructor(as: string | undefined, membership: MembershipService, options: ClusterModuleOptions) {
    // Without a node when a test has put something else in the service's place: then nothing is to be run.
    this.#node = MembershipService.nodeOf(membership);
    this.#options = options ?? {};
    this.#reminder = new ShutdownHooksReminder(new Logger(registrationName(as)));
  }

  /** @throws NotReadyError when `waitFor` was not met in time; the node has left by then */
  async onApplicationBootstrap(): Promise<void> {
    const node = this.#node;
    if (node === undefined || this.#options.autoJoin === false) return;
    const { waitFor } = splitOptions(this.#options);
    await node.join();
    if (waitFor !== undefined) await leaveOnFailure(node, node.whenReady(waitFor));
    if (this.#options.enabled !== false) this.#reminder.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.#reminder.stop();
    await this.#node?.drain();
  }
}

/** Nest runs no destroy hooks when a start fails, and a node that has joined would keep the process alive. */
async function leaveOnFailure(node: NodeFace, started: Promise<void>): Promise<void> {
  try {
    await started;
  } catch (error) {
    await node.close();
    throw error;
  }
}
