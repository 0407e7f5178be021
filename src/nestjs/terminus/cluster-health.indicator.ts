import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  HealthIndicatorService,
  type HealthIndicatorResult,
  type HealthIndicatorStatus,
} from '@nestjs/terminus';
import { InvalidOptionError } from '../../errors.js';
import type { MembershipService } from '../membership.service.js';
import { getMembershipToken } from '../tokens.js';
import { judge, type ClusterHealthDetails } from './cluster-health.js';
import { checkedHealthOptions, type ClusterHealthOptions } from './cluster-health-options.js';

export type { ClusterHealthDetails, ClusterHealthOptions };

/**
 * What this process's part in a cluster says to a health check of `@nestjs/terminus`.
 *
 * - `down`: the node has not joined, drains, or has left; the application said
 *   {@link MembershipService.setHealth | setHealth('draining')}; or there are fewer than `minMembers` members. Traffic
 *   should go elsewhere, so this belongs into a readiness probe: a restart (liveness) makes none of it better.
 * - `degraded`: members are suspect, the node doubts its own eyes (local health), or its event loop lags. Terminus 11 has
 *   no such word: there it is `up`, with `degraded: true`.
 * - `up`: everything else.
 *
 * ```ts
 * @Module({ imports: [TerminusModule], controllers: [HealthController], providers: [ClusterHealthIndicator] })
 *
 * @Get('ready')
 * @HealthCheck()
 * ready() {
 *   return this.health.check([() => this.cluster.isHealthy('cluster', { minMembers: 2 })]);
 * }
 * ```
 *
 * The other way round, tell the cluster what your own checks say, now and then. Leave this indicator out of them: what it
 * says would come of what was said.
 *
 * ```ts
 * const { status, error } = await this.health
 *   .check([() => this.database.pingCheck('database')])
 *   .catch((failed: ServiceUnavailableException) => failed.getResponse() as HealthCheckResult);
 * await this.membership.setHealth(status === 'ok' ? 'ok' : 'degraded', Object.keys(error ?? {}).join(', '));
 * ```
 *
 * In a test any object with `status`, `activeMembers`, `local` and `stats` can stand for the `MembershipService`.
 *
 * @publicApi
 */
@Injectable()
export class ClusterHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly modules: ModuleRef,
  ) {}

  /**
   * How the node does at this moment; asks nobody, and waits for nothing.
   *
   * @param key under which name it is in the result
   * @throws InvalidOptionError for an option that is none, or a `cluster` that is not registered
   */
  async isHealthy<const Key extends string>(
    key: Key,
    options: ClusterHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key, HealthIndicatorStatus, ClusterHealthDetails>> {
    const checked = checkedHealthOptions(options);
    const { verdict, details } = judge(this.#membership(options.cluster), checked);
    const session = this.indicators.check(key);
    if (verdict === 'up') return session.up({ ...details });
    if (verdict === 'down') return session.down({ ...details });
    // Terminus 11 knows up and down only.
    const { degraded } = session as Partial<Pick<typeof session, 'degraded'>>;
    return degraded === undefined
      ? session.up({ ...details, degraded: true as const })
      : session.degraded({ ...details });
  }

  #membership(as: string | undefined): MembershipService {
    try {
      return this.modules.get(getMembershipToken(as), { strict: false });
    } catch (cause) {
      const [which, missing] =
        as === undefined
          ? ['left out', 'ClusterModule.forRoot()']
          : [`"${as}"`, `ClusterModule.forRoot({ as: '${as}' })`];
      throw new InvalidOptionError('cluster', `is ${which}, but ${missing} is in no module: register it`, {
        cause,
      });
    }
  }
}
